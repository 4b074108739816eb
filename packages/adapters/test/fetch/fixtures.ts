/**
 * Shared fixtures of the fetch tests: both protocols, and a server whose responses the test
 * defines.
 */

import type { ClientOptions, ProtocolName } from '@unshard/core'
import type { OriginHandler, OriginServer } from '@unshard/testkit'
import type { FetchDefaults } from '../../src/fetch/defaults.js'
import { createFetch, type Fetch } from '../../src/index.js'
import { testEnvironment } from '../environment.js'

/** Every behaviour is tested over both. */
export const PROTOCOLS: readonly ProtocolName[] = ['h2', 'http/1.1']

/** A server and a fetch that can reach it. */
export interface FetchFixture {
  readonly origin: OriginServer
  readonly fetch: Fetch
  /** `https://a.test.example:port` and a path; or another host. */
  url(path?: string, host?: string): string
}

/** Call once, at the top level of a test file. */
export function fetchFixtures(): (
  protocol: ProtocolName,
  options?: { handler?: OriginHandler; defaults?: FetchDefaults; client?: ClientOptions },
) => Promise<FetchFixture> {
  const { server, client } = testEnvironment()
  return async (protocol, { handler, defaults, client: options } = {}) => {
    const origin = await server({ protocols: [protocol], ...(handler === undefined ? {} : { handler }) })
    const fetch = createFetch(client(options), defaults)
    return { origin, fetch, url: (path = '/', host = 'a') => `https://${host}.test.example:${origin.port}${path}` }
  }
}

/** Response of `/inspect`. */
export interface Inspected {
  readonly method: string
  readonly authority: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: { readonly length: number; readonly sha256: string }
}

/** Rejection of `fetch`: the message of the built-in, and the reason in `cause`. */
export function failure(code: string, message: string | RegExp = ''): object {
  const cause = expect.objectContaining({ code, message: expect.stringMatching(message) })
  return { name: 'TypeError', message: 'fetch failed', cause }
}

/** Collects the warnings of the process until `end`. */
export function collectWarnings(): { end(): { code: string | undefined; message: string }[] } {
  const warnings: { code: string | undefined; message: string }[] = []
  const { emitWarning } = process
  process.emitWarning = ((message: string, options?: { code?: string }) =>
    void warnings.push({ code: options?.code, message })) as typeof emitWarning
  const end = (): typeof warnings => {
    process.emitWarning = emitWarning
    return warnings
  }
  return { end }
}
