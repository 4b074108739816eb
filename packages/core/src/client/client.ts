/** The client: options, targets and all calls in flight. `call.ts` owns the life of one request. */

import { Connector } from '../connect/connector.js'
import { Diagnostics } from '../diagnostics.js'
import type { UnshardCode } from '../errors/codes.js'
import { UsageError } from '../errors/errors.js'
import type { Origin } from '../message/origin.js'
import { parseOrigin } from '../message/origin.js'
import type { RequestOptions } from '../message/request.js'
import { checkRequest, ownRequest } from '../message/request.js'
import type { ConnectionInfo, HttpResponse } from '../message/response.js'
import type { Explanation } from '../pool/explain.js'
import { connectionInfo } from '../pool/member.js'
import { Pool } from '../pool/pool.js'
import { abortReason } from '../runtime/abort.js'
import { Deadlines } from '../runtime/deadlines.js'
import { checkIsolation, inRange, invalidOption, ownOptions } from '../schema/option-checks.js'
import { milliseconds, namesOf, numberIn, type OptionSchema, value } from '../schema/schema.js'
import type { PoolTarget } from '../transport/target.js'
import { Call } from './call.js'
import type { CallLimits, CallOwner } from './call-owner.js'
import { Pools } from './client-pools.js'
import type { ClientStats } from './client-stats.js'
import { connectionStats } from './client-stats.js'
import type { HandleOptions } from './connection-handle.js'
import { ConnectionHandle, checkHandleOptions, pingTimeout } from './connection-handle.js'
import { Http1RequiredOrigins } from './http1-required.js'
import type { ClientOptions, ResolvedOptions } from './options.js'
import { mergeTimeouts, resolveOptions } from './options.js'
import { resolveRetryPolicy } from './status-retry.js'
import { Targets } from './targets.js'

/** The result of {@link Client.warm} for one origin: a connection or an error. */
export interface WarmResult {
  readonly origin: string
  readonly connection?: ConnectionInfo
  readonly error?: Error
}

/** Options of {@link Client.close}. */
export interface CloseOptions {
  /** Time that requests in flight may take. Then they fail with `ERR_CLIENT_CLOSED`. @default 30,000 */
  readonly graceMs?: number
}

/** Options of {@link Client.warm} and {@link Client.explain}. */
export interface IsolationOptions {
  /** Isolation of the requests. */
  readonly isolation?: string
}

/** Options of `client.close()`. */
export const CLOSE_OPTIONS: OptionSchema<CloseOptions> = { graceMs: milliseconds(30_000) }

/** Options of `client.warm()` and `client.explain()`. */
export const ISOLATION_OPTIONS: OptionSchema<IsolationOptions> = { isolation: value('text') }

/** Properties of a client's options that adapters need. */
export interface ClientTraits {
  /** Whether URLs of Unix sockets from untrusted input are allowed: the option `unixSockets`. */
  readonly unixSockets: boolean
  /** Whether the client restricts where requests go, in a way that nothing may bypass. */
  readonly guarded: boolean
}

/** The safe assumption about a client of another copy of this package. */
const UNKNOWN_TRAITS: ClientTraits = { unixSockets: false, guarded: true }

/** Returns the traits of a client. */
export let traitsOf: (client: Client) => ClientTraits

/**
 * Sends requests. A client owns one pool: requests share connections as far as its options and its
 * reuse policy allow.
 */
export class Client {
  readonly #deadlines: Deadlines
  readonly #pool: Pool
  readonly #owner: CallOwner
  readonly #options: ResolvedOptions
  readonly #connector: Connector
  readonly #targets: Targets
  readonly #limits: CallLimits
  readonly #http1: Http1RequiredOrigins
  readonly #diagnostics = new Diagnostics()
  /** Settings and connections by origin and isolation. */
  readonly pools: Pools

  static {
    traitsOf = (client) => {
      if (!(#options in client)) return UNKNOWN_TRAITS
      const { unixSockets, proxy } = client.#options
      return { unixSockets, guarded: proxy !== undefined }
    }
  }

  #closed: Error | undefined
  #onIdle: (() => void) | undefined

  /** @throws UsageError if an option is unknown or out of range. */
  constructor(options: ClientOptions = {}) {
    this.#options = resolveOptions(options)
    this.#deadlines = new Deadlines(this.#options.clock)
    this.#connector = new Connector(this.#options)
    this.#http1 = new Http1RequiredOrigins(this.#options.clock)
    this.#pool = new Pool(this.#connector, this.#diagnostics, this.#options)
    this.#targets = new Targets(this.#connector, this.#options.poolDefaults, this.#options.pools)
    this.pools = new Pools(this.#pool, this.#targets, (target) => this.#http1.resolve(target))
    const { timeouts, replay, retry } = this.#options
    this.#limits = { timeouts, replay, retry }
    this.#owner = this.#ownCalls()
  }

  /**
   * Sends a request. Resolves with the response, whatever its status, as soon as its fields have
   * arrived.
   *
   * Rejects with a {@link UsageError} for an invalid request, before anything is sent; with
   * `ConnectError`, `TimeoutError`, `ConnectionError`, `StreamError` or `ResponseError` for
   * failures after that; with `signal.reason` when aborted.
   */
  request(options: RequestOptions): Promise<HttpResponse> {
    return this.#request(options, undefined)
  }

  /**
   * Sends several requests at once. Results and errors are in the order of the requests; an error
   * does not reject the whole.
   * @throws UsageError `ERR_INVALID_OPTION` if `requests` is not a list.
   */
  async requestAll(requests: Iterable<RequestOptions>): Promise<PromiseSettledResult<HttpResponse>[]> {
    return Promise.allSettled(listOf(requests, 'requestAll()', 'requests').map((options) => this.request(options)))
  }

  /**
   * Opens connections before they are needed, and returns the connection of each origin: several
   * origins may share one. Resolves once the servers have sent SETTINGS, or after
   * `timeouts.connect`.
   * @throws UsageError if an origin is not valid.
   */
  async warm(origins: Iterable<string | URL>, options?: IsolationOptions): Promise<WarmResult[]> {
    this.#refuseClosed()
    const isolation = isolationOf(options, 'warm()')
    const targets = listOf(origins, 'warm()', 'origins').map((origin) => this.#targets.of(parseOrigin(origin), isolation))
    return Promise.all(
      targets.map(async (target) => {
        const origin = target.origin.serialized
        try {
          const member = await this.#pool.open(this.#http1.resolve(target))
          await this.#pool.confirmed(member.connection)
          return { origin, connection: connectionInfo(member) }
        } catch (error) {
          return { origin, error: error as Error }
        }
      }),
    )
  }

  /**
   * Opens a dedicated connection to `origin`.
   * @throws ConnectError, TimeoutError if no connection can be opened; UsageError if `origin` is
   *   not a valid origin.
   */
  async connect(origin: string | URL, options?: HandleOptions): Promise<ConnectionHandle> {
    this.#refuseClosed()
    const { reopen, isolation } = checkHandleOptions(options)
    const target = this.#targets.alone(parseOrigin(origin), isolation, !reopen)
    await this.#pool.open(target)
    return new ConnectionHandle(target, {
      pool: this.#pool,
      resolve: (own) => this.#http1.resolve(own),
      request: (options, own) => this.#request(options, own),
      end: (own, reason) => {
        for (const call of this.#calls()) {
          if (!call.isFor(own)) continue
          if (reason === undefined) call.end('ERR_HANDLE_CLOSED', 'the handle was destroyed')
          else call.abort(reason)
        }
      },
    })
  }

  #request(options: RequestOptions, own: PoolTarget | undefined): Promise<HttpResponse> {
    try {
      const call = this.#call(options, own)
      return new Promise((resolve, reject) => call.start(resolve, reject))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Returns the open connections, and counters since the client was created. */
  stats(): ClientStats {
    const connections = [...this.#pool.connections].map(connectionStats)
    return { connections, pools: [...this.pools], totals: this.#diagnostics.metrics.snapshot() }
  }

  /**
   * Explains what a request to this URL would do now (reuse an open connection, wait for a pending
   * dial, or dial), with the verdict for every connection and every dial. Resolves the host, but
   * dials and sends nothing.
   * @throws UsageError if the URL has no valid origin; ConnectError phase `resolve`.
   */
  async explain(url: string | URL, options?: IsolationOptions): Promise<Explanation> {
    this.#refuseClosed()
    const isolation = isolationOf(options, 'explain()')
    const { origin } = checkRequest({ url })
    return this.#pool.explain(this.#http1.resolve(this.#targets.of(origin, isolation)))
  }

  /**
   * Measures the round-trip time of an open HTTP/2 connection that serves `origin`, dedicated or
   * shared, in milliseconds (RFC 9113 §6.7).
   * @param timeoutMs 1 to 2,147,483,647. Default 5,000.
   * @throws UsageError `ERR_NOT_CONNECTED` without such a connection; TimeoutError after
   *   `timeoutMs`.
   */
  async ping(origin: string | URL, timeoutMs?: number): Promise<number> {
    const ms = pingTimeout(timeoutMs)
    const { serialized } = parseOrigin(origin)
    const members = this.#pool.find(this.#http1.resolve(this.#targets.of(parseOrigin(origin), undefined)))?.members ?? []
    for (const connection of this.#pool.connections) {
      const { route, protocol, state } = connection
      const serves = route.origin.serialized === serialized || members.some((member) => member.connection === connection)
      if (serves && protocol === 'h2' && state === 'open') return connection.ping(ms)
    }
    throw new UsageError('ERR_NOT_CONNECTED', 'there is no open HTTP/2 connection', { origin: serialized })
  }

  /**
   * Refuses new requests, finishes those in flight, then closes every connection. A response counts
   * as in flight until its body is read or discarded. Requests that exceed the grace period fail
   * with `ERR_CLIENT_CLOSED`.
   */
  async close(options?: CloseOptions): Promise<void> {
    const graceMs = numberIn(CLOSE_OPTIONS, ownOptions(options, CLOSE_NAMES, '', 'close()'), 'graceMs')
    this.#closed ??= new UsageError('ERR_CLIENT_CLOSED', 'the client was closed')
    const grace = this.#deadlines.clock.startTimer(graceMs, () => this.#end('ERR_CLIENT_CLOSED', 'the client was closed'))
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
    grace.cancel()
    this.#connector.close()
    this.#deadlines.stop()
  }

  /**
   * Ends every request and connection now. Requests reject with `reason`, or with a
   * `ConnectionError` that states whether the server may have processed the request.
   */
  destroy(reason?: Error): void {
    this.#closed ??= reason ?? new UsageError('ERR_CLIENT_DESTROYED', 'the client was destroyed')
    if (reason !== undefined) for (const call of this.#calls()) call.abort(reason)
    this.#end('ERR_CLIENT_DESTROYED', 'the client was destroyed')
    this.#connector.close()
    this.#deadlines.stop()
  }

  /** Same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #end(code: UnshardCode, message: string): void {
    for (const call of this.#calls()) call.end(code, message)
    this.#pool.destroy(new UsageError(code, message))
  }

  /** The calls in flight: every deadline of a client belongs to a call. */
  #calls(): Iterable<Call> {
    return this.#deadlines.all() as Iterable<Call>
  }

  #refuseClosed(): void {
    if (this.#closed !== undefined) throw this.#closed
  }

  /** The interface for calls, kept out of the public class. */
  #ownCalls(): CallOwner {
    return {
      pool: this.#pool,
      deadlines: this.#deadlines,
      metrics: this.#diagnostics.metrics,
      onHttp1Required: (target) => (target.settings.protocols.includes('http/1.1') ? this.#http1.add(target) : undefined),
      apart: (target) => this.#targets.apart(target),
      onOver: () => {
        if (this.#deadlines.empty) this.#onIdle?.()
      },
    }
  }

  #call(given: RequestOptions, own: PoolTarget | undefined): Call {
    this.#refuseClosed()
    const options = ownRequest(given)
    const request = checkRequest(options)
    const limits = this.#limitsOf(options)
    const { signal } = options
    if (signal?.aborted === true) throw abortReason(signal)
    const target = this.#http1.resolve(own ?? this.#targetOf(request.origin, options))
    const call = new Call(this.#owner, request, target, options, limits)
    this.#diagnostics.metrics.requests++
    return call
  }

  #targetOf(origin: Origin, { isolation, resolvedAddress }: RequestOptions): PoolTarget {
    if (resolvedAddress === undefined) return this.#targets.of(origin, isolation)
    return this.#targets.at(origin, isolation, resolvedAddress)
  }

  #limitsOf({ timeouts, replay, retry }: RequestOptions): CallLimits {
    const limits = this.#limits
    if (timeouts === undefined && replay === undefined && retry === undefined) return limits
    return {
      timeouts: mergeTimeouts(limits.timeouts, timeouts),
      replay: inRange('replay', replay, limits.replay, 0, 100),
      retry: retry === undefined ? limits.retry : resolveRetryPolicy(retry),
    }
  }
}

const CLOSE_NAMES = namesOf(CLOSE_OPTIONS)

const ISOLATION_NAMES = namesOf(ISOLATION_OPTIONS)

function isolationOf(options: IsolationOptions | undefined, taker: string): string | undefined {
  return checkIsolation(ownOptions(options, ISOLATION_NAMES, '', taker).isolation)
}

/**
 * Copies an iterable. A string is refused: it is one origin, not a list.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
function listOf<T>(list: Iterable<T>, taker: string, what: string): T[] {
  if (typeof list === 'object' && list !== null && typeof list[Symbol.iterator] === 'function') return [...list]
  throw invalidOption(`of ${taker}`, `a list of ${what}`, list)
}
