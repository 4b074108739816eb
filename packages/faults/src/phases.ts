/** Where in its life a request is when the fault strikes, and of what kind it is. */

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

/** For people, and to recognise a phase in somebody else's list. */
export const PHASE_WORDS: Readonly<Record<Phase, { readonly says: string; readonly looksLike: RegExp }>> = {
  dial: { says: 'the name is resolved, TCP is not connected', looksLike: /^dial/i },
  tls: { says: 'the ClientHello is with the server, its answer has not arrived', looksLike: /tls/i },
  settings: {
    says: "the handshake is done and the request sent, the server's SETTINGS have not arrived",
    looksLike: /settings/i,
  },
  idle: { says: 'a connection is in the pool, the request comes after the fault', looksLike: /idle/i },
  queued: { says: 'the only stream is taken by another request', looksLike: /free stream/i },
  headers: { says: 'twelve octets of the request are with the server', looksLike: /sending headers/i },
  body: { says: 'a part of the content is sent (for a GET: that of a POST beside it)', looksLike: /sending body/i },
  waiting: { says: 'the server has all of the request and has not answered', looksLike: /waiting headers/i },
  reading: { says: 'half of the response is read, and beside it another is read by nobody', looksLike: /reading body/i },
  complete: { says: 'all of the response has arrived and nobody has read it', looksLike: /after end/i },
  closing: { says: 'as waiting, and `client.close()` was called', looksLike: /close\(\)/i },
}

/** GET, POST with content in memory, POST with content from a source that can be read once. */
export const KINDS = ['get', 'post', 'stream'] as const
export type Kind = (typeof KINDS)[number]
