/** Common code for all `fetch` competitors: the call, and reading its response. */

import { check, type Session, type Target } from '../competitor.js'
import { contentOf, readerOf } from './reading.js'

/** Response in each library's own type. */
export interface FetchAnswer {
  readonly status: number
  readonly body?: unknown
  text(): Promise<string>
  arrayBuffer(): Promise<ArrayBuffer>
}

type AnyFetch = (url: string, init?: Init) => Promise<FetchAnswer>

export interface Init {
  readonly method: string
  readonly body: Buffer
  readonly headers: Readonly<Record<string, string>>
}

export function fetchSession(target: Target, send: AnyFetch, close: () => void | Promise<void>): Session {
  const url = target.origin + target.path
  const body = contentOf(target)
  const read = readerOf(target)
  const init = body && { method: 'POST', body, headers: { 'content-type': target.upload!.type } }
  return {
    async once() {
      const response = await send(url, init)
      check(target, response.status, await read(response, () => response.body as AsyncIterable<Uint8Array>))
    },
    close,
  }
}
