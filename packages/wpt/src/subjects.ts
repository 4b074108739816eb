/**
 * Replaces the global `fetch` and its classes with those under test. Runs in the thread of the test
 * file.
 */

import type { Subject } from './arguments.js'

/** Symbol under which undici and Node's built-in fetch look up the base of relative URLs. */
const GLOBAL_ORIGIN = Symbol.for('undici.globalOrigin.1')

/** Settings of a subject for a thread. */
export interface SubjectSettings {
  readonly subject: Subject
  /** PEM of the authority to trust if the server uses TLS. */
  readonly ca: string | undefined
  /** Base of relative URLs: the address of the page in a browser. */
  readonly baseUrl: string
}

/** Makes `subject` the global `fetch`. */
export async function installSubject({ subject, ca, baseUrl }: SubjectSettings): Promise<void> {
  Object.defineProperty(globalThis, GLOBAL_ORIGIN, { value: new URL(baseUrl), configurable: true, writable: true })
  // Node loads its classes on demand through getters, which are not under test.
  defineGlobals({ fetch, FormData, Headers, Request, Response })
  if (subject === 'unshard') defineGlobals(await unshardGlobals(ca, baseUrl))
  else if (subject === 'undici') defineGlobals(await undiciGlobals(ca, baseUrl))
}

async function unshardGlobals(ca: string | undefined, baseUrl: string): Promise<Record<string, unknown>> {
  const { createFetch } = await import('@unshard/adapters')
  const { coalescing } = await import('@unshard/coalescing')
  const { Client } = await import('@unshard/core')
  const client = new Client({ reuse: coalescing(), ...(ca === undefined ? {} : { tls: { ca } }) })
  // Cast instead of our own types, which would be circular: the exports are the platform's classes,
  // and our classes extend their prototypes.
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
