/** The client: options, targets and all calls in flight. `call.ts` owns the life of one request. */

import type { UnshardCode } from '../errors/codes.js'
import { UsageError } from '../errors/errors.js'
import { resolveAddressPolicy } from '../message/address-policy.js'
import type { Origin } from '../message/origin.js'
import { parseOrigin } from '../message/origin.js'
import { checkRequest, ownRequest } from '../message/request.js'
import type { Interceptor, RequestOptions } from '../message/request-options.js'
import type { HttpResponse } from '../message/response.js'
import type { Explanation } from '../pool/explain.js'
import { connectionInfo } from '../pool/member.js'
import type { Pool } from '../pool/pool.js'
import { abortReason, realSignal } from '../runtime/abort.js'
import { inRange } from '../schema/option-checks.js'
import type { PoolTarget } from '../transport/target.js'
import { Call } from './call.js'
import type { CallLimits } from './call-owner.js'
import { ClientParts } from './client-parts.js'
import type { Pools } from './client-pools.js'
import type { ClientStats } from './client-stats.js'
import { connectionStats } from './client-stats.js'
import type { HandleOptions } from './connection-handle.js'
import { ConnectionHandle, checkHandleOptions } from './connection-handle.js'
import type { Http1RequiredOrigins } from './http1-required.js'
import { checkInterceptors, Interception, joined } from './interceptors.js'
import {
  type CloseOptions,
  graceMsOf,
  type IsolationOptions,
  isolationOf,
  isUrl,
  listOf,
  ownTarget,
  type PingOptions,
  pingOptions,
  type WarmResult,
  type WarmTarget,
  warmTarget,
} from './method-options.js'
import { type ClientOptions, maxBodyBytesOf, mergeTimeouts } from './options.js'
import { follow, redirectPolicy } from './redirects.js'
import { checkDefaults, mergeDefaults, type RequestDefaults, withDefaults, withFixedLists } from './request-defaults.js'
import { resolveRetryPolicy } from './status-retry.js'
import type { Targets } from './targets.js'
import { Verbs } from './verbs.js'

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

/** Without a prototype, which may be polluted. */
const NO_DEFAULTS = { __proto__: null } as unknown as RequestDefaults

/** Options of the constructor, for a view of an existing client. */
class View {
  readonly client: Client
  readonly defaults: RequestDefaults

  constructor(client: Client, defaults: RequestDefaults) {
    this.client = client
    this.defaults = defaults
  }
}

/**
 * Sends requests. A client owns one pool: requests share connections as far as its options and its
 * reuse policy allow.
 */
export class Client extends Verbs {
  /** What this client shares with its views. */
  readonly #parts: ClientParts
  readonly #pool: Pool
  readonly #targets: Targets
  readonly #http1: Http1RequiredOrigins
  /** Defaults of the requests of a view. */
  readonly #defaults: RequestDefaults | undefined
  /** Functions around every request; `undefined` without any. */
  readonly #interceptors: readonly Interceptor[] | undefined
  /** Settings and connections by origin and isolation. */
  readonly pools: Pools

  static {
    traitsOf = (client) => {
      if (!(#parts in client)) return UNKNOWN_TRAITS
      const { unixSockets, proxy } = client.#parts.options
      const guarded = proxy !== undefined || client.#targets.restricted || client.#restricts
      return { unixSockets, guarded }
    }
  }

  /** @throws UsageError if an option is unknown or out of range. */
  constructor(options: ClientOptions = {}) {
    super()
    const view = options instanceof View ? options : undefined
    this.#parts = view === undefined ? new ClientParts(options) : view.client.#parts
    this.#pool = this.#parts.pool
    this.#targets = this.#parts.targets
    this.#http1 = this.#parts.http1
    this.pools = this.#parts.pools
    this.#defaults = view === undefined ? undefined : mergeDefaults(view.client.#defaults, view.defaults)
    this.#interceptors =
      view === undefined
        ? this.#parts.options.interceptors
        : joined(view.client.#interceptors, checkInterceptors(view.defaults.interceptors))
  }

  /** Whether interceptors or the defaults of a view must not be bypassed. */
  get #restricts(): boolean {
    const { addressPolicy = 'any' } = this.#defaults ?? NO_DEFAULTS
    return this.#interceptors !== undefined || addressPolicy !== 'any'
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
   * Returns a client with defaults for its requests, which shares connections, settings and statistics with this one. Interceptors are
   * added inside those of this client. Closing either closes both.
   * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
   */
  with(defaults: RequestDefaults): Client {
    return viewOf(this, checkDefaults(defaults))
  }

  /**
   * Sends several requests at once; a URL is a GET request that follows redirects. Results and errors
   * are in the order of the requests; an error does not reject the whole.
   * @throws UsageError `ERR_INVALID_OPTION` if `requests` is not a list.
   */
  async requestAll(requests: Iterable<RequestOptions | string | URL>): Promise<PromiseSettledResult<HttpResponse>[]> {
    return Promise.allSettled(
      listOf(requests, 'requestAll()', 'requests').map((each) => (isUrl(each) ? this.get(each) : this.request(each))),
    )
  }

  /**
   * Opens connections before they are needed, and returns the connection of each origin: several
   * origins may share one. Resolves once the servers have sent SETTINGS, or after
   * `timeouts.connect`.
   * @param origins origins, or objects of an origin and an isolation.
   * @throws UsageError if an origin is not valid.
   */
  async warm(origins: Iterable<string | URL | WarmTarget>, options?: IsolationOptions): Promise<WarmResult[]> {
    this.#refuseClosed()
    const isolation = isolationOf(options, 'warm()')
    const targets = listOf(origins, 'warm()', 'origins').map((each) => {
      const { origin, isolation: own } = warmTarget(each, isolation)
      return this.#targetOf(parseOrigin(origin), this.#withOwn(own))
    })
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
    const target = this.#targets.alone(this.#targetOf(parseOrigin(origin), this.#withOwn(isolation)), !reopen)
    await this.#pool.open(target)
    return new ConnectionHandle(target, {
      pool: this.#pool,
      resolve: (own) => this.#http1.resolve(own),
      request: (options, own) => this.#request(options, own),
      end: (own, reason) => {
        const error = reason ?? new UsageError('ERR_HANDLE_CLOSED', 'the handle was destroyed')
        for (const interception of [...this.#parts.interceptions]) if (interception.handle === own) interception.abort(error)
        for (const call of this.#calls()) {
          if (!call.isFor(own)) continue
          if (reason === undefined) call.end('ERR_HANDLE_CLOSED', 'the handle was destroyed')
          else call.abort(reason)
        }
      },
    })
  }

  #request(given: RequestOptions, own: PoolTarget | undefined): Promise<HttpResponse> {
    try {
      this.#refuseClosed()
      const options = this.#defaults === undefined ? ownRequest(given) : withDefaults(this.#defaults, ownRequest(given))
      const isPlain = this.#interceptors === undefined && options.interceptors === undefined && options.redirect === undefined
      return isPlain ? this.#send(options, own) : this.#intercepted(options, own)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Sends a checked request without interceptors. */
  #send(options: RequestOptions, own: PoolTarget | undefined, onCall?: (call: Call) => void): Promise<HttpResponse> {
    const call = this.#call(options, own)
    onCall?.(call)
    return new Promise((resolve, reject) => call.start(resolve, reject))
  }

  #intercepted(options: RequestOptions, own: PoolTarget | undefined): Promise<HttpResponse> {
    const interceptors = joined(this.#interceptors, checkInterceptors(options.interceptors)) ?? []
    const redirects = redirectPolicy(options)
    if (interceptors.length === 0 && redirects === undefined) return this.#send(options, own)
    // Iterables that can be read once are read here.
    const signal = realSignal(options.signal)
    const fixed = { ...withFixedLists(options), signal }
    const { origin, content } = checkRequest(fixed)
    if (signal?.aborted === true) throw abortReason(signal)
    const parts = this.#parts
    const { clock } = parts.deadlines
    const { total } = this.#limitsOf(options).timeouts
    // One `total` for all attempts.
    const totalSince = options.totalSince ?? clock.now()
    const timed = total === 0 ? fixed : { ...fixed, totalSince }
    const interception = new Interception({
      ...{ interceptors, signal, content, handle: own },
      send: async (changed, onCall) => this.#send(ownRequest(changed), own, onCall),
      onOver: () => parts.deleteInterception(interception),
    })
    parts.interceptions.add(interception)
    if (total > 0) interception.limit(clock, Math.max(0, totalSince + total - clock.now()), total, origin.serialized)
    const bound = own?.origin.serialized
    return interception.run(timed, redirects === undefined ? undefined : (hop) => follow(timed, redirects, hop, bound))
  }

  /** Returns the open connections, and counters since the client was created. */
  stats(): ClientStats {
    const connections = [...this.#pool.connections].map(connectionStats)
    return { connections, pools: [...this.pools], totals: this.#parts.metrics.snapshot() }
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
    return this.#pool.explain(this.#http1.resolve(this.#targetOf(origin, this.#withOwn(isolation))))
  }

  /**
   * Measures the round-trip time of an open HTTP/2 connection that serves `origin`, dedicated or
   * shared, in milliseconds (RFC 9113 §6.7).
   * @param options `timeoutMs`, 1 to 2,147,483,647, default 5,000; and the isolation. A number is
   *   the `timeoutMs`.
   * @throws UsageError `ERR_NOT_CONNECTED` without an open connection, `ERR_PING_UNSUPPORTED` if it
   *   is HTTP/1.1; TimeoutError after `timeoutMs`.
   */
  async ping(origin: string | URL, options?: number | PingOptions): Promise<number> {
    const { ms, isolation } = pingOptions(options)
    const parsed = parseOrigin(origin)
    const { serialized } = parsed
    const target = this.#targetOf(parsed, this.#withOwn(isolation))
    const members = this.#pool.find(this.#http1.resolve(target))?.members ?? []
    let isHttp1 = false
    for (const connection of this.#pool.connections) {
      const { route, protocol, state } = connection
      const isOwn = route.origin.serialized === serialized && route.isolation === target.isolation
      if (state !== 'open' || !(isOwn || members.some((member) => member.connection === connection))) continue
      if (protocol === 'h2') return connection.ping(ms)
      isHttp1 = true
    }
    if (isHttp1)
      throw new UsageError('ERR_PING_UNSUPPORTED', 'the connection is HTTP/1.1, which has no PING', { origin: serialized })
    throw new UsageError('ERR_NOT_CONNECTED', 'there is no open connection', { origin: serialized })
  }

  /**
   * Refuses new requests, finishes those in flight, then closes every connection. A response counts
   * as in flight until its body is read or discarded. Requests that exceed the grace period fail
   * with `ERR_CLIENT_CLOSED`.
   */
  async close(options?: CloseOptions): Promise<void> {
    const graceMs = graceMsOf(options)
    this.#parts.closed ??= new UsageError('ERR_CLIENT_CLOSED', 'the client was closed')
    const grace = this.#parts.deadlines.clock.startTimer(graceMs, () => this.#end('ERR_CLIENT_CLOSED', 'the client was closed'))
    await this.#parts.untilIdle()
    await this.#pool.close()
    grace.cancel()
    this.#parts.connector.close()
    this.#parts.deadlines.stop()
  }

  /**
   * Ends every request and connection now. Requests reject with `reason`, or with a
   * `ConnectionError` that states whether the server may have processed the request.
   */
  destroy(reason?: Error): void {
    this.#parts.closed ??= reason ?? new UsageError('ERR_CLIENT_DESTROYED', 'the client was destroyed')
    if (reason !== undefined) for (const call of this.#calls()) call.abort(reason)
    const { interceptions } = this.#parts
    for (const interception of [...interceptions]) interception.abort(reason ?? this.#parts.closed)
    this.#end('ERR_CLIENT_DESTROYED', 'the client was destroyed')
    this.#parts.connector.close()
    this.#parts.deadlines.stop()
  }

  /** Same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #end(code: UnshardCode, message: string): void {
    for (const interception of [...this.#parts.interceptions]) interception.abort(new UsageError(code, message))
    for (const call of this.#calls()) call.end(code, message)
    this.#pool.destroy(new UsageError(code, message))
  }

  /** The calls in flight: every deadline of a client belongs to a call. */
  #calls(): Iterable<Call> {
    return this.#parts.deadlines.all() as Iterable<Call>
  }

  #refuseClosed(): void {
    const { closed } = this.#parts
    if (closed !== undefined) throw closed
  }

  #call(options: RequestOptions, own: PoolTarget | undefined): Call {
    const request = checkRequest(options)
    const limits = this.#limitsOf(options)
    const { signal } = options
    if (signal?.aborted === true) throw abortReason(signal)
    const target = this.#http1.resolve(
      own === undefined ? this.#targetOf(request.origin, options) : ownTarget(own, request.origin, options),
    )
    const call = new Call(this.#parts, request, target, options, limits)
    this.#parts.metrics.requests++
    return call
  }

  /** The defaults of a view that choose a connection, with the isolation of a call. */
  #withOwn(isolation: string | undefined): RequestOptions {
    const { isolation: own, addressPolicy } = this.#defaults ?? NO_DEFAULTS
    const chosen = isolation ?? own
    return {
      __proto__: null,
      url: '',
      ...(chosen === undefined ? {} : { isolation: chosen }),
      ...(addressPolicy === undefined ? {} : { addressPolicy }),
    } as unknown as RequestOptions
  }

  #targetOf(origin: Origin, { isolation, resolvedAddress, addressPolicy, http1Only }: RequestOptions): PoolTarget {
    const targets = this.#targets
    const target = resolvedAddress === undefined ? targets.of(origin, isolation) : targets.at(origin, isolation, resolvedAddress)
    const judged =
      addressPolicy === undefined ? target : targets.under(target, resolveAddressPolicy(addressPolicy, 'addressPolicy'))
    return http1Only === true ? targets.http1(judged) : judged
  }

  #limitsOf({ timeouts, replay, retry, maxBodyBytes }: RequestOptions): CallLimits {
    const { limits } = this.#parts
    if (timeouts === undefined && replay === undefined && retry === undefined && maxBodyBytes === undefined) return limits
    return {
      timeouts: mergeTimeouts(limits.timeouts, timeouts),
      replay: inRange('replay', replay, limits.replay, 0, 100),
      retry: retry === undefined ? limits.retry : resolveRetryPolicy(retry),
      maxBodyBytes: maxBodyBytesOf(maxBodyBytes) ?? limits.maxBodyBytes,
    }
  }
}

/** Outside of the class: bundlers rename a class that names itself. */
function viewOf(client: Client, defaults: RequestDefaults): Client {
  return new Client(new View(client, defaults) as ClientOptions)
}
