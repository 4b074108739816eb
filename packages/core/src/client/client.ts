/** The client: options, targets and all calls in flight. `call.ts` owns the life of one request. */

import type { UnshardCode } from '../errors/codes.js'
import { UsageError } from '../errors/errors.js'
import { parseOrigin } from '../message/origin.js'
import { checkRequest } from '../message/request.js'
import type { RequestOptions } from '../message/request-options.js'
import type { HttpResponse } from '../message/response.js'
import type { Explanation } from '../pool/explain.js'
import { connectionInfo } from '../pool/member.js'
import type { Pool } from '../pool/pool.js'
import type { Call } from './call.js'
import { ClientParts } from './client-parts.js'
import type { Pools } from './client-pools.js'
import type { ClientStats } from './client-stats.js'
import { connectionStats } from './client-stats.js'
import type { HandleOptions } from './connection-handle.js'
import { ConnectionHandle, checkHandleOptions } from './connection-handle.js'
import type { Http1RequiredOrigins } from './http1-required.js'
import {
  type CloseOptions,
  graceMsOf,
  type IsolationOptions,
  isolationOf,
  isUrl,
  listOf,
  type PingOptions,
  pingOptions,
  type WarmResult,
  type WarmTarget,
  warmTarget,
} from './method-options.js'
import type { ClientOptions } from './options.js'
import { checkDefaults, type RequestDefaults } from './request-defaults.js'
import { Requests } from './requests.js'
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
  /** The parts that this client shares with its views. */
  readonly #parts: ClientParts
  readonly #pool: Pool
  readonly #targets: Targets
  readonly #http1: Http1RequiredOrigins
  readonly #requests: Requests
  /** Settings and connections by origin and isolation. */
  readonly pools: Pools

  static {
    traitsOf = (client) => {
      if (!(#parts in client)) return UNKNOWN_TRAITS
      const { unixSockets, proxy } = client.#parts.options
      const guarded = proxy !== undefined || client.#targets.restricted || client.#requests.restricts
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
    this.#requests = view === undefined ? new Requests(this.#parts) : view.client.#requests.with(view.defaults)
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
    return this.#requests.send(options, undefined)
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
      return this.#requests.targetOf(parseOrigin(origin), own)
    })
    return Promise.all(
      targets.map(async (target) => {
        const origin = target.origin.serialized
        try {
          const timeouts = this.#requests.timeoutsOf(target)
          const member = await this.#pool.open(this.#http1.resolve(target), timeouts)
          await this.#pool.confirmed(member.connection, timeouts)
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
    const { reopen, isolation, addressPolicy } = checkHandleOptions(options)
    const target = this.#targets.alone(this.#requests.targetOf(parseOrigin(origin), isolation, addressPolicy), !reopen)
    await this.#pool.open(target, this.#requests.timeoutsOf(target))
    return new ConnectionHandle(target, {
      pool: this.#pool,
      resolve: (own) => this.#http1.resolve(own),
      request: (options, own) => this.#requests.send(options, own),
      end: (own, reason) => {
        for (const interception of [...this.#parts.interceptions]) {
          if (interception.handle !== own) continue
          if (reason === undefined) interception.end('ERR_HANDLE_CLOSED', 'the handle was destroyed')
          else interception.abort(reason)
        }
        for (const call of this.#calls()) {
          if (!call.isFor(own)) continue
          if (reason === undefined) call.end('ERR_HANDLE_CLOSED', 'the handle was destroyed')
          else call.abort(reason)
        }
      },
    })
  }

  /** Returns the open connections, and counters since the client was created. */
  stats(): ClientStats {
    const connections = [...this.#pool.connections].map((each) => connectionStats(each, this.#pool.timesOf(each)))
    const { options, diagnostics, metrics, durations } = this.#parts
    const { clientId: id } = diagnostics.identity
    const totals = metrics.snapshot()
    return { id, name: options.name, connections, pools: [...this.pools], totals, durations: durations.snapshot() }
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
    return this.#pool.explain(this.#http1.resolve(this.#requests.targetOf(origin, isolation)))
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
    const target = this.#requests.targetOf(parsed, isolation)
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
    if (reason !== undefined) {
      for (const call of this.#calls()) call.abort(reason)
      for (const interception of [...this.#parts.interceptions]) interception.abort(reason)
    }
    this.#end('ERR_CLIENT_DESTROYED', 'the client was destroyed')
    this.#parts.connector.close()
    this.#parts.deadlines.stop()
  }

  /** Same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #end(code: UnshardCode, message: string): void {
    for (const interception of [...this.#parts.interceptions]) interception.end(code, message)
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
}

/** Outside of the class: bundlers rename a class that names itself. */
function viewOf(client: Client, defaults: RequestDefaults): Client {
  return new Client(new View(client, defaults) as ClientOptions)
}
