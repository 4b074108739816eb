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
import { abortReason } from '../runtime/abort.js'
import { inRange } from '../schema/option-checks.js'
import type { PoolTarget } from '../transport/target.js'
import { Call } from './call.js'
import type { CallLimits } from './call-owner.js'
import { ClientParts } from './client-parts.js'
import type { Pools } from './client-pools.js'
import type { ClientStats } from './client-stats.js'
import { connectionStats } from './client-stats.js'
import type { HandleOptions } from './connection-handle.js'
import { ConnectionHandle, checkHandleOptions, pingTimeout } from './connection-handle.js'
import type { Http1RequiredOrigins } from './http1-required.js'
import { checkInterceptors, Interception, joined, withLists } from './interceptors.js'
import {
  type CloseOptions,
  graceMsOf,
  type IsolationOptions,
  isolationOf,
  listOf,
  ownTarget,
  type WarmResult,
} from './method-options.js'
import { type ClientOptions, mergeTimeouts } from './options.js'
import { checkDefaults, mergeDefaults, type RequestDefaults, withDefaults } from './request-defaults.js'
import { resolveRetryPolicy } from './status-retry.js'
import type { Targets } from './targets.js'

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
export class Client {
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
    const view = options instanceof View ? options : undefined
    this.#parts = view === undefined ? new ClientParts(options) : view.client.#parts
    this.#pool = this.#parts.pool
    this.#targets = this.#parts.targets
    this.#http1 = this.#parts.http1
    this.pools = this.#parts.pools
    this.#defaults = view === undefined ? undefined : mergeDefaults(view.client.#defaults, view.defaults)
    this.#interceptors =
      view === undefined ? this.#parts.options.interceptors : joined(view.client.#interceptors, view.defaults.interceptors)
  }

  /** Whether interceptors or the defaults of a view must not be bypassed. */
  get #restricts(): boolean {
    return this.#interceptors !== undefined || this.#defaults?.addressPolicy !== undefined
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

  #request(given: RequestOptions, own: PoolTarget | undefined): Promise<HttpResponse> {
    try {
      this.#refuseClosed()
      const options = this.#defaults === undefined ? ownRequest(given) : withDefaults(this.#defaults, ownRequest(given))
      if (this.#interceptors !== undefined || options.interceptors !== undefined) return this.#intercepted(options, own)
      return this.#send(options, own)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Sends a checked request without interceptors. */
  #send(options: RequestOptions, own: PoolTarget | undefined): Promise<HttpResponse> {
    const call = this.#call(options, own)
    return new Promise((resolve, reject) => call.start(resolve, reject))
  }

  #intercepted(given: RequestOptions, own: PoolTarget | undefined): Promise<HttpResponse> {
    const options = withLists(given)
    const interceptors = joined(this.#interceptors, checkInterceptors(options.interceptors))
    if (interceptors === undefined) return this.#send(options, own)
    checkRequest(options)
    const { signal } = options
    if (signal?.aborted === true) throw abortReason(signal)
    const { clock } = this.#parts.deadlines
    const { total } = this.#limitsOf(options).timeouts
    // One `total` for all attempts.
    const timed = total === 0 || options.totalSince !== undefined ? options : { ...options, totalSince: clock.now() }
    const send = async (changed: RequestOptions): Promise<HttpResponse> => this.#send(ownRequest(changed), own)
    const interception = new Interception(interceptors, send, signal)
    this.#parts.interceptions.add(interception)
    const response = interception.run(timed, () => {
      this.#parts.interceptions.delete(interception)
      this.#parts.onOver()
    })
    if (total > 0)
      interception.limit(clock, Math.max(0, total - (clock.now() - (timed.totalSince ?? clock.now()))), total, options.url)
    return response
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
    for (const interception of [...interceptions]) interception.abort(this.#parts.closed)
    this.#end('ERR_CLIENT_DESTROYED', 'the client was destroyed')
    this.#parts.connector.close()
    this.#parts.deadlines.stop()
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
    const target = this.#http1.resolve(own === undefined ? this.#targetOf(request.origin, options) : ownTarget(own, options))
    const call = new Call(this.#parts, request, target, options, limits)
    this.#parts.metrics.requests++
    return call
  }

  #targetOf(origin: Origin, { isolation, resolvedAddress, addressPolicy }: RequestOptions): PoolTarget {
    const targets = this.#targets
    const target = resolvedAddress === undefined ? targets.of(origin, isolation) : targets.at(origin, isolation, resolvedAddress)
    return addressPolicy === undefined ? target : targets.under(target, resolveAddressPolicy(addressPolicy, 'addressPolicy'))
  }

  #limitsOf({ timeouts, replay, retry }: RequestOptions): CallLimits {
    const { limits } = this.#parts
    if (timeouts === undefined && replay === undefined && retry === undefined) return limits
    return {
      timeouts: mergeTimeouts(limits.timeouts, timeouts),
      replay: inRange('replay', replay, limits.replay, 0, 100),
      retry: retry === undefined ? limits.retry : resolveRetryPolicy(retry),
    }
  }
}

/** Outside of the class: bundlers rename a class that names itself. */
function viewOf(client: Client, defaults: RequestDefaults): Client {
  return new Client(new View(client, defaults) as ClientOptions)
}
