/** A connection of one's own: requests on it, and on no other, until it is closed. */

import type { PoolTarget } from './connection.js'
import { ConnectionError, UsageError } from './errors.js'
import { parseUrl } from './message/origin.js'
import type { RequestOptions } from './message/request.js'
import type { ConnectionInfo, HttpResponse } from './message/response.js'
import { connectionInfo, type Member } from './pool/group.js'
import type { Pool } from './pool/pool.js'

/** What {@link ConnectionHandle} needs of its client. */
export interface HandleOwner {
  readonly pool: Pool
  /** What is asked in the place of a target: after HTTP_1_1_REQUIRED another one. */
  resolve(target: PoolTarget): PoolTarget
  request(options: RequestOptions, target: PoolTarget): Promise<HttpResponse>
}

/** How a handle behaves. */
export interface HandleOptions {
  /** Makes a new connection for the next request when the old one is gone. Default true; else requests reject from then on. */
  readonly reopen?: boolean
  /** As in a request: which settings hold. */
  readonly isolation?: string
}

/** What `client.connect` resolves with. Nobody else's requests travel on its connection. */
export class ConnectionHandle {
  /** Such as `https://api.example`. */
  readonly origin: string
  readonly #target: PoolTarget
  readonly #owner: HandleOwner
  #closed = false

  constructor(target: PoolTarget, owner: HandleOwner) {
    this.#target = target
    this.#owner = owner
    this.origin = target.origin.serialized
  }

  /** The connection as it is now; `undefined` while there is none. */
  get connection(): ConnectionInfo | undefined {
    const member = this.#member
    return member === undefined ? undefined : connectionInfo(member)
  }

  /**
   * As `Client.request`, with `url` relative to the origin.
   * @throws UsageError `ERR_HANDLE_CLOSED` after {@link close}, `ERR_OTHER_ORIGIN` for a URL of another origin.
   */
  request(options: RequestOptions): Promise<HttpResponse> {
    if (this.#closed) return Promise.reject(new UsageError('ERR_HANDLE_CLOSED', `the handle was closed (${this.origin})`))
    const url = typeof options.url === 'string' ? parseUrl(options.url, this.origin) : options.url
    if (url === undefined) {
      return Promise.reject(
        new UsageError('ERR_INVALID_URL', `invalid URL ${JSON.stringify(options.url)}`, { origin: this.origin }),
      )
    }
    if (url.origin !== this.origin) {
      const message = `the handle is for ${this.origin}, the URL is of ${url.origin}`
      return Promise.reject(new UsageError('ERR_OTHER_ORIGIN', message, { origin: this.origin }))
    }
    return this.#owner.request({ ...options, url }, this.#target)
  }

  /** Measures a round trip, milliseconds. @throws TimeoutError after `timeoutMs`; ConnectionError where there is no connection. */
  ping(timeoutMs = 5_000): Promise<number> {
    const connection = this.#member?.connection
    if (connection !== undefined) return connection.ping(timeoutMs)
    const details = { origin: this.origin, initiator: 'local', processed: 'no' } as const
    return Promise.reject(new ConnectionError('ERR_CONNECTION_LOST', `there is no connection (${this.origin})`, details))
  }

  /** Takes no more requests, finishes those under way, closes. Resolves when the connection is gone. */
  async close(): Promise<void> {
    this.#closed = true
    const { pool } = this.#owner
    const groups = new Set([pool.find(this.#target), pool.find(this.#owner.resolve(this.#target))])
    await Promise.all([...groups].map((group) => group && pool.endGroup(group)))
  }

  get #member(): Member | undefined {
    return this.#owner.pool.find(this.#owner.resolve(this.#target))?.members[0]
  }
}
