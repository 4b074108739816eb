/**
 * `unshard get`: fetches several URLs at once and reports which connection carried each request.
 */

import { coalescing } from '@unshard/coalescing'
import { Client, type ConnectionInfo } from '@unshard/core'
import type { CommandOptions } from './arguments.js'
import { clientOptions } from './client-options.js'

/** Result of one URL. */
export interface FetchedUrl {
  readonly url: string
  readonly status?: number
  /** Length of the content in bytes. */
  readonly bytes?: number
  readonly connection?: ConnectionInfo
  readonly error?: { readonly code: string; readonly message: string }
}

/** Results of all URLs. */
export interface GetReport {
  readonly responses: readonly FetchedUrl[]
  /** Attempted TCP connections, and successful TLS handshakes. */
  readonly totals: { readonly dials: number; readonly handshakes: number }
  readonly exitCode: 0 | 1
}

/** Fetches each of `urls` once. */
export async function get(urls: readonly string[], options: CommandOptions): Promise<GetReport> {
  const client = new Client({ ...clientOptions(options), reuse: coalescing() })
  const responses = await Promise.all(urls.map((url) => getOne(client, url)))
  const { dials, handshakes } = client.stats().totals
  await client.close()
  return { responses, totals: { dials, handshakes }, exitCode: responses.every(({ error }) => error === undefined) ? 0 : 1 }
}

async function getOne(client: Client, url: string): Promise<FetchedUrl> {
  try {
    const response = await client.request({ url })
    const { length } = await response.bytes()
    return { url, status: response.status, bytes: length, connection: response.connection }
  } catch (error) {
    const { code = 'ERR', message } = error as NodeJS.ErrnoException
    return { url, error: { code, message } }
  }
}
