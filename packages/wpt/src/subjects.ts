/** Puts the `fetch` that is judged, and the classes it brings, in the place of the globals. Runs in the test file's own thread. */

import type { Subject } from './arguments.js'

/** The symbol under which undici and Node's built-in look for what relative URLs are relative to. */
const GLOBAL_ORIGIN = Symbol.for('undici.globalOrigin.1')

/** What a thread is told about its subject. */
export interface SubjectSettings {
  readonly subject: Subject
  /** PEM of the authority to trust, where the server speaks TLS. */
  readonly ca: string | undefined
  /** What relative URLs are relative to: a page's address, in a browser. */
  readonly baseUrl: string
}

/** Makes `subject` the global `fetch`. */
export async function installSubject({ subject, ca, baseUrl }: SubjectSettings): Promise<void> {
  Object.defineProperty(globalThis, GLOBAL_ORIGIN, { value: new URL(baseUrl), configurable: true, writable: true })
  // Node loads its classes on demand, and its globals are getters: that is not what is judged.
  defineGlobals({ fetch, FormData, Headers, Request, Response })
  if (subject === 'unshard') defineGlobals(await unshardGlobals(ca, baseUrl))
  else if (subject === 'undici') defineGlobals(await undiciGlobals(ca, baseUrl))
}

async function unshardGlobals(ca: string | undefined, baseUrl: string): Promise<Record<string, unknown>> {
  const { createFetch } = await import('@unshard/adapters')
  const { coalescing } = await import('@unshard/coalescing')
  const { Client } = await import('@unshard/core')
  const client = new Client({ reuse: coalescing(), ...(ca === undefined ? {} : { tls: { ca } }) })
  // Types of its own would be a circle here: what is passed on are the platform's classes, ours live on their prototypes.
  return { fetch: createFetch(client, { page: baseUrl }) }
}

async function undiciGlobals(ca: string | undefined, baseUrl: string): Promise<Record<string, unknown>> {
  const { Agent, fetch, FormData, Headers, Request, Response, setGlobalDispatcher, setGlobalOrigin } = await import('undici')
  setGlobalOrigin(new URL(baseUrl))
  if (ca !== undefined) setGlobalDispatcher(new Agent({ allowH2: true, connect: { ca } }))
  return { fetch, FormData, Headers, Request, Response }
}

function defineGlobals(values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: name === 'fetch', configurable: true })
  }
}
