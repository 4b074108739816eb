/** `unshard get`: fetches many at once, and says which connection carried what. */

import { coalescing } from '@unshard/coalescing'
import { Client, type ConnectionInfo } from '@unshard/core'
import type { CommandOptions } from './arguments.js'
import { clientOptions } from './client-options.js'

/** What became of one URL. */
export interface Got {
  readonly url: string
  readonly status?: number
  /** Octets of the content. */
  readonly bytes?: number
  readonly connection?: ConnectionInfo
  readonly error?: { readonly code: string; readonly message: string }
}

/** What became of all. */
export interface GetReport {
  readonly responses: readonly Got[]
  /** TCP connections tried, and TLS handshakes that ended well. */
  readonly totals: { readonly dials: number; readonly handshakes: number }
  readonly exitCode: 0 | 1
}

/** Fetches all of `urls`, each once. */
export async function get(urls: readonly string[], options: CommandOptions): Promise<GetReport> {
  const client = new Client({ ...clientOptions(options), reuse: coalescing() })
  const responses = await Promise.all(urls.map((url) => getOne(client, url)))
  const { dials, handshakes } = client.stats().totals
  await client.close()
  return { responses, totals: { dials, handshakes }, exitCode: responses.every(({ error }) => error === undefined) ? 0 : 1 }
}

async function getOne(client: Client, url: string): Promise<Got> {
  try {
    const response = await client.request({ url })
    const { length } = await response.bytes()
    return { url, status: response.status, bytes: length, connection: response.connection }
  } catch (error) {
    const { code = 'ERR', message } = error as NodeJS.ErrnoException
    return { url, error: { code, message } }
  }
}
