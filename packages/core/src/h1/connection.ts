/**
 * An HTTP/1.1 connection over one negotiated socket. The wire is undici's; its client file is imported alone, because the package's
 * index replaces the dispatcher that Node's own fetch uses and takes three times as long to load.
 */

import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { buildConnector, Client, Dispatcher } from 'undici'
import {
  type Carrier,
  type Connection,
  type ConnectionState,
  type Exchange,
  type ExchangeObserver,
  nextConnectionId,
  type OriginProgress,
  type Route,
} from '../connection.js'
import type { Clock } from '../deadlines.js'
import { ConnectionError, TimeoutError, UsageError } from '../errors.js'
import type { SerializedOrigin } from '../message/origin.js'
import type { HttpRequest } from '../message/request.js'
import type { ResolvedPoolSettings } from '../pool-settings.js'
import { air } from './airing.js'
import { H1Exchange, type H1Host } from './exchange.js'
import { mayPipeline, NOT_PIPELINED, noteBroken, type PipelineLimit, pipelineLimit } from './pipelining.js'

const UndiciClient = createRequire(import.meta.url)('undici/lib/dispatcher/client.js') as typeof Client

/** What a connection runs on. */
export interface H1Options {
  /** The largest field section of a response, octets. */
  readonly maxFieldSectionBytes: number
  readonly pool: Pick<ResolvedPoolSettings, 'maxRequestsPerConnection' | 'pipelining'>
  /** What the origin is remembered for. */
  readonly progress: OriginProgress
  readonly clock: Clock
}

/** undici over the socket that ALPN has left us with. */
export class H1Connection implements Connection, H1Host {
  readonly id: number = nextConnectionId()
  readonly protocol = 'http/1.1'
  readonly route: Route
  readonly originSet: ReadonlySet<SerializedOrigin> | undefined = undefined
  readonly confirmed = true
  onChange: (() => void) | undefined
  readonly #socket: Carrier
  readonly forwarding: readonly string[] | undefined
  readonly #client: Client
  readonly #closed: Promise<void>
  readonly #progress: OriginProgress
  readonly #clock: Clock
  /** Requests in flight that are wanted at the most. */
  readonly #pipelining: number
  #state: ConnectionState = 'open'
  /** In the order in which they are sent, and answered. */
  readonly #exchanges: H1Exchange[] = []
  /** Those of them that were sent while others were unanswered. */
  readonly #behind = new WeakSet<H1Exchange>()
  /** One that others may neither precede nor follow. */
  #alone: H1Exchange | undefined
  /** Responses that have begun, and whether one of them was to a request behind another. */
  #answered = 0
  #answeredBehind = false
  /** Somebody here has ended it. */
  #endedHere = false
  #blamed = false
  /** Requests that may still be sent. */
  #left: number
  /** Nothing can have been said out of turn: the connection is new in this turn, or has just been left for one. */
  #aired = true
  #verifying = false

  /** @param forwarding the socket leads to a proxy that forwards requests, and this is what it is sent with each of them. */
  constructor(socket: Carrier, route: Route, options: H1Options, forwarding?: readonly string[]) {
    const { maxFieldSectionBytes, pool, progress, clock } = options
    this.#progress = progress
    this.#clock = clock
    this.#pipelining = pool.pipelining
    this.#left = pool.maxRequestsPerConnection === 0 ? Number.POSITIVE_INFINITY : pool.maxRequestsPerConnection
    this.#socket = socket
    this.forwarding = forwarding
    this.route = route
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
    // Not as serialised: undici knows no `http+unix:`.
    this.#client = new UndiciClient(`${route.origin.scheme}://${route.origin.authority}`, {
      connect: this.#hand(),
      pipelining: pool.pipelining,
      maxHeaderSize: maxFieldSectionBytes,
      // The request's deadlines are the ones that count. What stays is undici's limit on idle sockets, 4 s or less where the server
      // says so: servers close theirs after few seconds, and a request on its way then is lost.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    socket.on('error', () => this.#gone())
    socket.on('close', () => this.#gone())
    socket.on('readable', this.#early)
    socket.unref()
    setImmediate(() => {
      this.#aired = false
    })
  }

  get state(): ConnectionState {
    return this.#state
  }

  get capacity(): number {
    if (this.#state !== 'open' || this.#alone !== undefined) return 0
    return Math.max(0, Math.min(this.#limit.depth - this.#exchanges.length, this.#left))
  }

  get active(): number {
    return this.#exchanges.length
  }

  get #limit(): PipelineLimit {
    return this.#pipelining === 1 ? NOT_PIPELINED : pipelineLimit(this.#progress, this.#pipelining, this.#clock.now())
  }

  request(request: HttpRequest, observer: ExchangeObserver): Exchange {
    const origin = request.origin.serialized
    if (request.trailers !== undefined) {
      throw new UsageError('ERR_TRAILERS_UNSUPPORTED', `${origin} speaks HTTP/1.1, over which trailers are not sent`, { origin })
    }
    if (this.#exchanges.length === 0) this.#socket.ref()
    this.#aired = false
    const pipelined = this.#pipelining > 1 && mayPipeline(request)
    const close = request.close || this.#limit.once
    const exchange = new H1Exchange(request, observer, this, { pipelined, close })
    // Where others are in flight undici holds it back until they are answered.
    if (!pipelined) this.#alone = exchange
    else if (this.#exchanges.length > 0) this.#behind.add(exchange)
    this.#exchanges.push(exchange)
    this.#left--
    if (close) this.#drain()
    // Later: what undici refuses it refuses at once, and nothing may be called back before this returns.
    queueMicrotask(() => this.#client.dispatch(exchange.dispatchOptions(), exchange as unknown as Dispatcher.DispatchHandler))
    return exchange
  }

  /**
   * HTTP/1.1 answers bear no number: whatever a server sends now would be taken for the answer to the next request. So an idle socket is
   * left for one whole turn of the event loop, wherever in a turn this is; what lies in it is read by then, and ends it.
   */
  verify(): boolean {
    if (this.#aired || this.#verifying) return this.#aired
    this.#verifying = true
    air(this.#verified)
    return false
  }

  get verifying(): boolean {
    return this.#verifying
  }

  disown(): void {
    // ORIGIN is a frame of HTTP/2.
  }

  ping(): Promise<number> {
    const origin = this.route.origin.serialized
    return Promise.reject(new UsageError('ERR_PING_UNSUPPORTED', 'HTTP/1.1 has no PING', { origin }))
  }

  close(): Promise<void> {
    this.#drain()
    if (this.#exchanges.length === 0) this.#end()
    return this.#closed
  }

  destroy(reason: Error): void {
    for (const exchange of [...this.#exchanges]) exchange.connectionLost(reason)
    this.#end()
    this.#gone()
  }

  toString(): string {
    const { origin, remoteAddress, remotePort } = this.route
    return `http/1.1 #${this.id} ${origin.serialized} at ${remoteAddress}:${remotePort}, ${this.#state}, ${this.active} active`
  }

  /** undici asks for a socket once; a second question means that the first is gone, and the pool dials, not undici. */
  #hand(): buildConnector.connector {
    let handed = false
    return (_options, callback) => {
      const origin = this.route.origin.serialized
      const refusal = handed
        ? new ConnectionError('ERR_CONNECTION_LOST', `the connection was closed (${origin})`, {
            origin,
            initiator: 'peer',
            processed: 'no',
          })
        : null
      handed = true
      // Not before undici has finished asking.
      queueMicrotask(() => {
        if (refusal !== null) return callback(refusal, null)
        this.#socket.off('readable', this.#early)
        callback(null, this.#socket as Socket)
      })
    }
  }

  /** Something was said before the first request, and undici, which refuses that, does not read yet: it would be the first answer. */
  readonly #early = (): void => {
    this.#socket.destroy()
  }

  readonly #verified = (): void => {
    this.#verifying = false
    if (this.#state !== 'open') return
    this.#aired = true
    this.onChange?.()
    // For those who waited for it, and not for later ones.
    this.#aired = false
  }

  #drain(): void {
    if (this.#state !== 'open') return
    this.#state = 'draining'
    this.onChange?.()
  }

  answered(exchange: H1Exchange): void {
    this.#answered++
    if (this.#pipelining > 1) this.#answeredBehind ||= this.#behind.has(exchange)
  }

  aborted(reason: unknown): void {
    // A deadline that passed is the peer's doing.
    if (reason instanceof TimeoutError && !this.#endedHere) this.#judge()
    this.#endedHere = true
  }

  blamed(): boolean {
    const first = !this.#blamed
    this.#blamed = true
    return first
  }

  released(exchange: H1Exchange): void {
    const index = this.#exchanges.indexOf(exchange)
    if (index < 0) return
    this.#exchanges.splice(index, 1)
    if (this.#alone === exchange) this.#alone = undefined
    // The server asked for it, or the request ended early: there is no next one here (RFC 9112 §9.6).
    if (this.#socket.destroyed) return this.#gone()
    if (this.#exchanges.length === 0) {
      this.#socket.unref()
      // Not when the last one began: until now it was one of those that the origin may have.
      if (this.#left === 0) this.#drain()
      if (this.#state === 'draining') this.#end()
    }
    this.onChange?.()
  }

  #end(): void {
    this.#endedHere = true
    this.#socket.destroy()
  }

  #gone(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    if (!this.#endedHere) this.#judge()
    this.#client.destroy().catch(() => undefined)
    this.onChange?.()
  }

  /**
   * Whether the peer has ended the connection because of what {@link pipelineLimit} allows: requests behind others, of which it has answered
   * none; or, once that was given up, a second request on a connection.
   */
  #judge(): void {
    if (this.#pipelining === 1) return
    const limit = this.#limit
    const left = this.#exchanges.filter((exchange) => exchange.written && !exchange.over)
    const behind = left.some((exchange) => this.#behind.has(exchange)) && !this.#answeredBehind
    const second = left.length === 1 && left[0]!.unanswered && !this.#behind.has(left[0]!) && this.#answered > 0
    if (limit.depth > 1 ? behind : second && !limit.once) noteBroken(this.#progress, limit, this.#clock.now())
  }
}
