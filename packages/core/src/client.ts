/** The client: options, targets, and every call that is under way. What happens to one request stands in `call.ts`. */

import { Call, type CallOwner } from './call.js'
import { Connector } from './connect/connect.js'
import type { Target } from './connection.js'
import { Deadlines } from './deadlines.js'
import { UsageError } from './errors.js'
import { Http1Origins } from './http1-origins.js'
import { type Origin, parseOrigin } from './message/origin.js'
import { checkRequest, type RequestOptions } from './message/request.js'
import type { HttpResponse } from './message/response.js'
import { type ClientOptions, mergeTimeouts, type ResolvedOptions, resolveOptions } from './options.js'
import { Pool } from './pool/pool.js'

/** One open connection in {@link ClientStats}. */
export interface ConnectionStats {
  readonly id: number
  readonly protocol: 'h2' | 'http/1.1'
  /** The origin it was made for. */
  readonly origin: string
  readonly remoteAddress: string | undefined
  /** The proxy it leads through, without credentials; `undefined` where it is direct. */
  readonly proxy: string | undefined
  readonly state: 'open' | 'draining' | 'closed'
  /** Requests in flight. */
  readonly active: number
}

/** What a client has open, and what it has done. */
export interface ClientStats {
  readonly connections: readonly ConnectionStats[]
  readonly totals: {
    /** TCP connections tried. */
    readonly dials: number
    /** TLS handshakes that ended well. */
    readonly handshakes: number
    /** Requests taken. */
    readonly requests: number
    /** Requests that went over a connection made for another origin. */
    readonly coalesced: number
    /** Requests that were sent once more. */
    readonly replayed: number
  }
}

/** Sends requests. One client is one pool: requests share connections as far as its options and its reuse policy allow. */
export class Client {
  readonly #deadlines: Deadlines
  readonly #pool: Pool
  readonly #owner: CallOwner
  readonly #options: ResolvedOptions
  readonly #connector: Connector
  readonly #targets = new WeakMap<Origin, Target>()
  readonly #http1: Http1Origins
  readonly #totals = { requests: 0, coalesced: 0, replayed: 0 }
  #closed: Error | undefined
  #onIdle: (() => void) | undefined

  /** @throws UsageError naming an option that is unknown or out of range. */
  constructor(options: ClientOptions = {}) {
    this.#options = resolveOptions(options)
    this.#deadlines = new Deadlines(this.#options.clock)
    this.#connector = new Connector(this.#options)
    this.#http1 = new Http1Origins(this.#options.clock)
    this.#pool = new Pool(this.#connector, this.#options)
    this.#owner = this.#ownCalls()
  }

  /**
   * Sends a request. Resolves with the response as soon as its fields are there, whatever its status.
   *
   * Rejects with a {@link UsageError} for a request that is wrong in itself, before anything is sent; with `ConnectError`,
   * `TimeoutError`, `ConnectionError`, `StreamError` or `ResponseError` for what happens on the way; with `signal.reason` when aborted.
   */
  request(options: RequestOptions): Promise<HttpResponse> {
    try {
      const call = this.#call(options)
      return new Promise((resolve, reject) => call.start(resolve, reject))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Open connections, and counts since the client was made. */
  stats(): ClientStats {
    const connections: ConnectionStats[] = []
    for (const { id, protocol, route, state, active } of this.#pool.connections) {
      const { origin, remoteAddress, proxy } = route
      connections.push({ id, protocol, origin: origin.serialized, remoteAddress, proxy, state, active })
    }
    return { connections, totals: { ...this.#pool.totals, ...this.#totals } }
  }

  /**
   * Measures a round trip over an open HTTP/2 connection of `origin`, in milliseconds (RFC 9113 §6.7).
   * @throws UsageError `ERR_NOT_CONNECTED` where there is none; TimeoutError after `timeoutMs`, default 5,000.
   */
  async ping(origin: string | URL, timeoutMs = 5_000): Promise<number> {
    const { serialized } = parseOrigin(origin)
    for (const connection of this.#pool.connections) {
      const { route, protocol, state } = connection
      if (route.origin.serialized === serialized && protocol === 'h2' && state === 'open') return connection.ping(timeoutMs)
    }
    throw new UsageError('ERR_NOT_CONNECTED', `no open HTTP/2 connection to ${serialized}`, { origin: serialized })
  }

  /**
   * Takes no more requests, finishes those under way, then closes every connection. A response whose content nobody reads is under way
   * until it is read or discarded.
   */
  async close(): Promise<void> {
    this.#closed ??= new UsageError('ERR_CLIENT_CLOSED', 'the client was closed')
    if (!this.#deadlines.empty) {
      await new Promise<void>((resolve) => {
        const before = this.#onIdle
        this.#onIdle = () => {
          before?.()
          resolve()
        }
      })
    }
    await this.#pool.close()
    this.#connector.close()
    this.#deadlines.stop()
  }

  /** Ends every request and every connection now. Requests reject with `reason`. */
  destroy(reason: Error = new UsageError('ERR_CLIENT_DESTROYED', 'the client was destroyed')): void {
    this.#closed ??= reason
    for (const call of this.#deadlines.all()) call.abort(reason)
    this.#pool.destroy(reason)
    this.#connector.close()
    this.#deadlines.stop()
  }

  /** For `await using`: {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What calls tell their client, kept out of its public face. */
  #ownCalls(): CallOwner {
    const totals = this.#totals
    return {
      pool: this.#pool,
      deadlines: this.#deadlines,
      onReplay: () => {
        totals.replayed++
      },
      onHttp1Required: (target) => (this.#options.protocols.includes('http/1.1') ? this.#http1.add(target) : undefined),
      onCoalesced: () => {
        totals.coalesced++
      },
      onOver: () => {
        if (this.#deadlines.empty) this.#onIdle?.()
      },
    }
  }

  #call(options: RequestOptions): Call {
    if (this.#closed !== undefined) throw this.#closed
    const request = checkRequest(options)
    const timeouts = mergeTimeouts(this.#options.timeouts, options.timeouts)
    const { signal } = options
    if (signal?.aborted === true) throw signal.reason
    const target = this.#http1.resolve(this.#target(request.origin, options.isolation))
    const call = new Call(this.#owner, request, target, options, timeouts)
    this.#totals.requests++
    return call
  }

  #target(origin: Origin, isolation: string | undefined): Target {
    if (isolation !== undefined) return this.#newTarget(origin, `=${isolation}`)
    let target = this.#targets.get(origin)
    if (target === undefined) {
      target = this.#newTarget(origin, '')
      this.#targets.set(origin, target)
    }
    return target
  }

  #newTarget(origin: Origin, isolation: string): Target {
    const proxy = this.#connector.proxyOf(origin)
    const reuseKey = `${this.#connector.identity}|${proxy?.key ?? ''}|${isolation}`
    return {
      origin,
      reuseKey,
      proxy,
      dialKey: `${origin.serialized}|${reuseKey}`,
      verify: (certificate) => this.#connector.verify(origin.host, certificate),
    }
  }
}
