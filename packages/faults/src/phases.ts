/** The phase of a request in which the fault strikes, and the kind of the request. */

export const PHASES = [
  'dial',
  'tls',
  'settings',
  'idle',
  'queued',
  'headers',
  'body',
  'waiting',
  'reading',
  'complete',
  'closing',
] as const
export type Phase = (typeof PHASES)[number]

/** A description for reports, and a pattern that recognizes the phase in the matrix. */
export const PHASE_WORDS: Readonly<Record<Phase, { readonly says: string; readonly looksLike: RegExp }>> = {
  dial: { says: 'the name is resolved, TCP is not connected yet', looksLike: /^dial/i },
  tls: { says: 'the server has the ClientHello, its response has not arrived', looksLike: /tls/i },
  settings: {
    says: "the handshake is done and the request sent, the server's SETTINGS have not arrived",
    looksLike: /settings/i,
  },
  idle: { says: 'a connection is in the pool, the request follows the fault', looksLike: /idle/i },
  queued: { says: 'the only stream is in use by another request', looksLike: /free stream/i },
  headers: { says: 'the server has twelve bytes of the request', looksLike: /sending headers/i },
  body: { says: 'a part of the content is sent (for a GET: that of a parallel POST)', looksLike: /sending body/i },
  waiting: { says: 'the server has all of the request and has not answered', looksLike: /waiting headers/i },
  reading: { says: 'half of the response is read, and a parallel response is not being read', looksLike: /reading body/i },
  complete: { says: 'the whole response has arrived and is unread', looksLike: /after end/i },
  closing: { says: 'as waiting, after a call of `client.close()`', looksLike: /close\(\)/i },
}

/** GET, POST with content in memory, POST with content from a source that can be read only once. */
export const KINDS = ['get', 'post', 'stream'] as const
export type Kind = (typeof KINDS)[number]
