/**
 * Modules to import, and libraries for a process's first request. Imported by each of those
 * processes, so it loads nothing itself.
 */

/**
 * Module specifiers as seen from this package. The first is an empty module: its time is subtracted
 * from the others.
 */
export const NOTHING = './nothing.js'
export const IMPORTS: readonly string[] = [
  'unshard',
  '@unshard/core',
  'http2-wrapper',
  'undici',
  'got',
  'axios',
  'node-fetch',
  'fetch-h2',
]

/**
 * By name: creates a function that sends one request and reads its whole response, in a process
 * that has loaded nothing.
 */
export const FIRST_REQUESTS: ReadonlyMap<string, (ca: string) => Promise<(url: string) => Promise<FirstAnswer>>> = new Map([
  ['unshard client.request', openRequest],
  ['unshard fetch', openFetch],
  ['built-in fetch', () => Promise.resolve((url: string) => fetch(url))],
  ['undici fetch h2', openUndici],
])

export interface FirstAnswer {
  readonly status: number
  text(): Promise<string>
}

async function openRequest(ca: string): Promise<(url: string) => Promise<FirstAnswer>> {
  const { createClient } = await import('unshard')
  const client = createClient({ tls: { ca } })
  return (url) => client.request({ method: 'GET', url })
}

async function openFetch(ca: string): Promise<(url: string) => Promise<FirstAnswer>> {
  const { createClient, createFetch } = await import('unshard')
  return createFetch(createClient({ tls: { ca } }))
}

async function openUndici(ca: string): Promise<(url: string) => Promise<FirstAnswer>> {
  const { Agent, fetch } = await import('undici')
  const dispatcher = new Agent({ allowH2: true, connect: { ca } })
  return (url) => fetch(url, { dispatcher })
}

/** Message to a process: import a module, or send a request. */
export type ImportAssignment =
  | { readonly specifier: string }
  | { readonly first: string; readonly url: string; readonly text: string; readonly ca: string }

export type ImportTurn = { readonly ms: number } | { readonly error: string }
