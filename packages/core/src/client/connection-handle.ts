/** A dedicated connection: requests on it, and on no other, until it is closed. */

import { ConnectionError, UsageError } from '../errors/errors.js'
import type { AddressPolicyOption } from '../message/address-policy.js'
import { parseOrigin, parseUrl } from '../message/origin.js'
import { ownRequest } from '../message/request.js'
import type { RequestOptions } from '../message/request-options.js'
import type { ConnectionInfo, HttpResponse } from '../message/response.js'
import { connectionInfo, type Member } from '../pool/member.js'
import type { OriginPool } from '../pool/origin-pool.js'
import type { Pool } from '../pool/pool.js'
import { checkIsolation, flag, inRange, ownOptions, shownValue } from '../schema/option-checks.js'
import { flagRow, namesOf, type OptionSchema, value } from '../schema/schema.js'
import type { PoolTarget } from '../transport/target.js'

/** Client of a {@link ConnectionHandle}. */
export interface HandleOwner {
  readonly pool: Pool
  /** Maps a target to its current replacement, after HTTP_1_1_REQUIRED. */
  resolve(target: PoolTarget): PoolTarget
  request(options: RequestOptions, target: PoolTarget): Promise<HttpResponse>
  /** Ends every request for the target now; without a reason, each gets an error of its own. */
  end(target: PoolTarget, reason: Error | undefined): void
}

/** Options of `Client.connect`. */
export interface HandleOptions {
  /** Dials again for the next request after the connection was lost. Otherwise later requests reject. @default true */
  readonly reopen?: boolean
  /** Isolation whose settings apply. */
  readonly isolation?: string
  /** Addresses that may be connected to. Holds for all requests on the handle. @default the client's */
  readonly addressPolicy?: AddressPolicyOption
}

/** Options of a connection handle. */
export const HANDLE_OPTIONS: OptionSchema<HandleOptions> = {
  reopen: flagRow(true),
  isolation: value('text'),
  addressPolicy: value('`any`, `public`, an object of ranges', "the client's"),
}

/** Checked options of a connection handle. */
interface CheckedHandleOptions {
  readonly reopen: boolean
  readonly isolation: string | undefined
  readonly addressPolicy: AddressPolicyOption | undefined
}

const NAMES = namesOf(HANDLE_OPTIONS)

/** @throws UsageError naming an unknown option or an invalid value. */
export function checkHandleOptions(given: HandleOptions | undefined): CheckedHandleOptions {
  const { reopen, isolation, addressPolicy } = ownOptions(given, NAMES, '', 'connect()')
  return { reopen: flag('reopen', reopen, true), isolation: checkIsolation(isolation), addressPolicy }
}

/** Time limit of a PING, milliseconds. @throws UsageError `ERR_INVALID_OPTION`. */
export function pingTimeout(timeoutMs: number | undefined): number {
  return inRange('timeoutMs', timeoutMs, 5_000, 1, 0x7fff_ffff)
}

/** Result of `client.connect`. No other requests use its connection. */
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

  /** Current connection; `undefined` while it is not open. */
  get connection(): ConnectionInfo | undefined {
    const member = this.#member
    return member === undefined ? undefined : connectionInfo(member)
  }

  /**
   * As `Client.request`, with `url` relative to the origin.
   * @throws UsageError `ERR_HANDLE_CLOSED` after {@link close}, `ERR_OTHER_ORIGIN` for a URL of another origin.
   */
  request(options: RequestOptions): Promise<HttpResponse> {
    try {
      this.#refuseClosed()
      return this.#owner.request(this.#resolved(ownRequest(options)), this.#target)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #refuseClosed(): void {
    if (this.#closed) throw new UsageError('ERR_HANDLE_CLOSED', 'the handle was closed', { origin: this.origin })
  }

  /** Resolves the URL against the origin. The URL standard does not know the schemes of Unix sockets: their paths are appended. */
  #resolved(options: RequestOptions): RequestOptions {
    const { url } = options
    const details = { origin: this.origin }
    if (typeof url !== 'string' && typeof (url as URL | undefined)?.href !== 'string') {
      throw new UsageError('ERR_INVALID_URL', `a URL is a string or a URL object, not ${shownValue(url)}`, details)
    }
    const absolute = parseUrl(String(url), this.#target.origin.socketPath === undefined ? this.origin : `${this.origin}/`)
    if (absolute === undefined) throw new UsageError('ERR_INVALID_URL', `invalid URL ${shownValue(url)}`, details)
    const { serialized } = parseOrigin(absolute)
    if (serialized !== this.origin) {
      throw new UsageError('ERR_OTHER_ORIGIN', `the handle is for ${this.origin}, but the URL is for ${serialized}`, details)
    }
    return { ...options, url: absolute }
  }

  /**
   * Measures a round trip, milliseconds.
   * @param timeoutMs 1 to 2,147,483,647. Default 5,000.
   * @throws TimeoutError after `timeoutMs`; ConnectionError if the connection is not open; UsageError `ERR_HANDLE_CLOSED`.
   */
  async ping(timeoutMs?: number): Promise<number> {
    const ms = pingTimeout(timeoutMs)
    this.#refuseClosed()
    const connection = this.#member?.connection
    if (connection !== undefined) return connection.ping(ms)
    const details = { origin: this.origin, initiator: 'local', processed: 'no' } as const
    throw new ConnectionError('ERR_CONNECTION_LOST', 'the connection is not open', details)
  }

  /** Takes no more requests, finishes those in flight, then closes. Resolves when the connection is closed. */
  async close(): Promise<void> {
    this.#end()
    await Promise.all(this.#originPools.map((originPool) => this.#owner.pool.endOriginPool(originPool)))
  }

  /**
   * Ends the connection and every request on it now. Requests reject with `reason`; without one, with an error that says for each whether the
   * server may have acted.
   */
  destroy(reason?: Error): void {
    this.#end()
    this.#owner.end(this.#target, reason)
    const why = reason ?? new UsageError('ERR_HANDLE_CLOSED', 'the handle was destroyed', { origin: this.origin })
    for (const originPool of this.#originPools) for (const { connection } of [...originPool.members]) connection.destroy(why)
  }

  #end(): void {
    this.#closed = true
    this.#target.ended = true
  }

  /** For `await using`: {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #originPools(): OriginPool[] {
    const { pool } = this.#owner
    const originPools = new Set([pool.find(this.#target), pool.find(this.#owner.resolve(this.#target))])
    return [...originPools].filter((originPool) => originPool !== undefined)
  }

  get #member(): Member | undefined {
    return this.#owner.pool.find(this.#owner.resolve(this.#target))?.members[0]
  }
}
