/**
 * Competitors: ours, undici's fetch over HTTP/2, and Node's own, which trusts NODE_EXTRA_CA_CERTS.
 */

/** A `fetch`, and a function that releases its resources. */
interface Opened {
  send(url: string): Promise<Response>
  close(): void | Promise<void>
}

export const OURS = 'unshard fetch'
export const UNDICI = 'undici fetch h2'
export const BUILT_IN = 'built-in fetch'

/** By name, in the order in which they run. */
export const openers: ReadonlyMap<string, (origin: string, ca: string) => Promise<Opened>> = new Map([
  [OURS, openOurs],
  [UNDICI, openUndici],
  [BUILT_IN, () => Promise.resolve({ send: (url: string) => fetch(url), close: () => undefined })],
])

async function openOurs(_origin: string, ca: string): Promise<Opened> {
  const { createClient, createFetch } = await import('unshard')
  const client = createClient({ tls: { ca } })
  return { send: createFetch(client), close: () => client.close() }
}

async function openUndici(origin: string, ca: string): Promise<Opened> {
  const { Client, fetch } = await import('undici')
  const dispatcher = new Client(origin, { allowH2: true, connect: { ca } })
  return { send: (url) => fetch(url, { dispatcher }) as unknown as Promise<Response>, close: () => dispatcher.close() }
}
