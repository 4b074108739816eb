/**
 * An HTTP/1.1 connection over one negotiated socket (RFC 9112): its requests, their order, and
 * their result when the connection ends. Must not know the syntax of responses; that is the
 * parser's.
 */

import { TimeoutError, UsageError } from '../errors/errors.js'
import type { SerializedOrigin } from '../message/origin.js'
import type { HttpRequest } from '../message/request.js'
import type { Clock } from '../runtime/clock.js'
import { queueMicrotask, setImmediate } from '../runtime/event-loop.js'
import { afterEventLoopTurn } from '../runtime/event-loop-turn.js'
import type { ResolvedPoolSettings } from '../settings/pool-settings.js'
import {
  type CloseReason,
  type Connection,
  type ConnectionState,
  type DialTimes,
  nextConnectionId,
} from '../transport/connection.js'
import type { Exchange, ExchangeObserver } from '../transport/exchange.js'
import type { Carrier, Route } from '../transport/route.js'
import type { Http1Record } from '../transport/target.js'
import { H1Exchange, type H1Host } from './exchange.js'
import { ExchangeQueue, failAll } from './exchange-queue.js'
import { IdleTimer } from './idle-timer.js'
import { Pipeline } from './pipelining.js'
import { ReadPause } from './read-pause.js'
import { type ResponseEvents, ResponseParser } from './response-parser.js'

const UNREAD = 'an earlier response on the connection is not read'
const ABORTED = 'an earlier request on the connection was aborted'
const CLOSING = 'the server closes the connection after an earlier response'

/** Settings and collaborators of a connection. */
export interface H1Options {
  /** Maximum field section of a response, in bytes. */
  readonly maxFieldSectionBytes: number
  readonly pool: Pick<ResolvedPoolSettings, 'http1IdleMs' | 'maxRequestsPerConnection' | 'pipelining'>
  /** The record of the origin, which stores whether pipelining is broken. */
  readonly record: Http1Record
  readonly clock: Clock
  /** Reads the socket without its stream interface; `bytes` is only valid during the call. */
  readonly reads?: { start(sink: (bytes: Buffer) => void): void } | undefined
}

/** The HTTP/1.1 implementation of `Connection`. */
export class H1Connection implements Connection, H1Host, ResponseEvents {
  readonly id: number = nextConnectionId()
  readonly protocol = 'http/1.1'
  readonly route: Route
  readonly originSet: ReadonlySet<SerializedOrigin> | undefined = undefined
  readonly confirmed = true
  onChange: (() => void) | undefined
  readonly socket: Carrier
  readonly forwarding: readonly string[] | undefined
  readonly clock: Clock
  readonly #parser: ResponseParser
  readonly #idle: IdleTimer
  readonly closed: Promise<void>
  readonly #pipeline: Pipeline
  #state: ConnectionState = 'open'
  readonly #exchanges = new ExchangeQueue()
  /** Whether this client ended the connection. */
  #endedLocally = false
  /** Number of requests that may still be sent. */
  #remaining: number
  /** Whether a write is scheduled as a microtask. */
  #writing = false
  /**
   * Whether the connection has no unread bytes: it is new in this turn, or has just yielded one.
   */
  #yielded = true
  #verifying = false
  readonly #reading: ReadPause
  wasIdle = false
  requests = 0
  receivedAt: number | undefined
  dialed: DialTimes | undefined
  endedBy: CloseReason | undefined

  /**
   * @param forwarding fields for each request, if the socket leads to a proxy that forwards
   * requests.
   */
  constructor(socket: Carrier, route: Route, options: H1Options, forwarding?: readonly string[]) {
    const { maxFieldSectionBytes, pool, record, clock, reads } = options
    this.clock = clock
    this.#pipeline = new Pipeline(record, pool.pipelining, clock)
    this.#remaining = pool.maxRequestsPerConnection === 0 ? Number.POSITIVE_INFINITY : pool.maxRequestsPerConnection
    this.socket = socket
    this.forwarding = forwarding
    this.route = route
    this.#parser = new ResponseParser(this, maxFieldSectionBytes)
    this.#reading = new ReadPause(socket, clock, () => this.#endAfter(1, UNREAD))
    this.#idle = new IdleTimer(clock, pool.http1IdleMs, () => this.#exchanges.size === 0 && this.#endIdle())
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    this.#listen(reads)
    socket.unref()
    setImmediate(() => {
      this.#yielded = false
    })
  }

  get state(): ConnectionState {
    return this.#state
  }

  get capacity(): number {
    if (this.#state !== 'open' || this.#exchanges.hasExclusive || this.#reading.paused) return 0
    return Math.max(0, Math.min(this.#pipeline.limit.depth - this.#exchanges.size, this.#remaining))
  }

  get active(): number {
    return this.#exchanges.size
  }

  get unread(): boolean {
    return this.#exchanges.first?.unread === true
  }

  request(request: HttpRequest, observer: ExchangeObserver): Exchange {
    const origin = request.origin.serialized
    if (request.trailers !== undefined) {
      throw new UsageError('ERR_TRAILERS_UNSUPPORTED', `trailers to ${origin} require HTTP/2`, { origin })
    }
    if (this.#exchanges.size === 0) this.socket.ref()
    this.#yielded = false
    const pipelined = this.#pipeline.takes(request)
    const close = request.close || request.protocol !== undefined || this.#pipeline.limit.once
    const exchange = new H1Exchange(request, observer, this, { pipelined, close })
    // If other requests are in flight, this one is written once they are answered.
    if (pipelined && this.#exchanges.size > 0) this.#pipeline.noteBehind(exchange)
    this.#exchanges.add(exchange)
    this.#remaining--
    this.requests++
    if (close) this.#drain()
    this.#writeSoon()
    return exchange
  }

  /**
   * Yields one full event-loop turn before an idle socket is reused. HTTP/1.1 responses have no
   * identifier, so unsolicited bytes would be taken for the response to the next request; the turn
   * reads them, and that ends the connection.
   */
  verify(): boolean {
    if (this.#idle.expired) {
      this.#endIdle()
      return false
    }
    if (this.#yielded || this.#verifying) return this.#yielded
    this.#verifying = true
    this.wasIdle = true
    afterEventLoopTurn(this.#verified)
    return false
  }

  get verifying(): boolean {
    return this.#verifying
  }

  removeOrigin(): void {
    // HTTP/1.1 has no Origin Set.
  }

  ping(): Promise<number> {
    const origin = this.route.origin.serialized
    return Promise.reject(new UsageError('ERR_PING_UNSUPPORTED', 'HTTP/1.1 has no PING', { origin }))
  }

  close(): Promise<void> {
    this.#drain()
    if (this.#exchanges.size === 0) this.#end()
    return this.closed
  }

  destroy(reason: Error): void {
    this.#endedLocally = true
    this.#over((exchanges) => {
      for (const exchange of exchanges) exchange.destroyed(reason)
    })
  }

  toString(): string {
    const { origin, remoteAddress, remotePort } = this.route
    return `http/1.1 #${this.id} ${origin.serialized} at ${remoteAddress}:${remotePort}, ${this.#state}, ${this.active} active`
  }

  answered(exchange: H1Exchange): void {
    this.#pipeline.noteAnswered(exchange)
  }

  ended(exchange: H1Exchange, reason: unknown): void {
    if (!exchange.written) {
      this.#exchanges.remove(exchange)
      return this.#released(exchange)
    }
    const index = this.#exchanges.indexOf(exchange)
    // A passed deadline is caused by the peer.
    if (reason instanceof TimeoutError && !this.#endedLocally) this.#pipeline.judge(this.#exchanges.all)
    else if (index > 0) return this.#endAfter(index, ABORTED)
    this.#endedLocally = true
    this.#exchanges.remove(exchange)
    this.#lose(ABORTED, undefined, true)
    exchange.closed()
  }

  /**
   * Ends the connection behind its first `count` requests, whose responses come first (RFC 9112
   * §9.3.2). Later ones are sent again elsewhere.
   */
  #endAfter(count: number, message: string): void {
    const cut = this.#exchanges.takeFrom(count)
    const left = cut.filter(({ over }) => !over)
    failAll(left, { message, begun: false, blamed: true })
    this.#drain()
    for (const each of cut) each.closed()
  }

  pauseReading(): void {
    this.#reading.pause(this.#exchanges.size > 1)
  }

  resumeReading(): void {
    if (this.#reading.resume() && this.#pipeline.limit.depth > 1) this.onChange?.()
  }

  onInterim(status: number, fields: readonly string[], bytes: number): void {
    this.#parser.fault ??= this.#exchanges.first!.onInterim(status, fields, bytes)
  }

  onHead(status: number, fields: readonly string[], reason: string, expectedBytes: number): void {
    this.#exchanges.first!.onHead(status, fields, reason, expectedBytes)
  }

  onContent(bytes: Buffer, start: number, end: number): void {
    this.#exchanges.first?.onContent(bytes, start, end)
  }

  #listen(reads: H1Options['reads']): void {
    const { socket } = this
    if (reads === undefined) socket.on('data', this.#receive)
    else reads.start(this.#receive)
    socket.on('drain', () => this.#exchanges.first?.onDrain())
    socket.on('error', (cause: Error) => this.#lose(`the connection failed: ${cause.message}`, cause))
    socket.on('end', () => this.#finish())
    socket.on('close', () => this.#lose('the connection was closed'))
  }

  readonly #receive = (bytes: Buffer): void => {
    let at = 0
    this.receivedAt = this.clock.now()
    while (at < bytes.length && this.#state !== 'closed') {
      const exchange = this.#exchanges.first
      // Unsolicited bytes would be taken for the next response.
      if (exchange === undefined || !exchange.written) return this.#lose('the server sent a response without a request')
      this.#parser.headOnly = exchange.headOnly
      this.#parser.upgrades = exchange.upgrades
      at = this.#parser.execute(bytes, at, bytes.length)
      const { fault } = this.#parser
      if (fault !== undefined) return this.#refuse(exchange)
      if (this.#parser.complete && !exchange.over) this.#complete(exchange, at < bytes.length)
      // RFC 9112 §9.6: a client that receives "close" MUST cease sending requests on the connection.
      else if (!exchange.unanswered && !this.#parser.keepAlive && this.#state === 'open') this.#endAfter(1, CLOSING)
    }
  }

  readonly #write = (): void => {
    this.#writing = false
    if (this.#state === 'closed') return this.#failLate()
    // No byte of these requests was sent, so they may use another connection.
    if (this.socket.destroyed) return this.#lose('the connection was closed')
    this.#exchanges.write(this.socket)
  }

  /**
   * Schedules a write: no callback runs before {@link request} returns, and requests of one turn
   * share a write.
   */
  #writeSoon(): void {
    if (this.#writing) return
    this.#writing = true
    queueMicrotask(this.#write)
  }

  readonly #verified = (): void => {
    this.#verifying = false
    if (this.#state !== 'open') return
    this.#yielded = true
    this.onChange?.()
    // Only the requests that waited may use it now; later ones must verify again.
    this.#yielded = false
  }

  #drain(): void {
    if (this.#state !== 'open') return
    this.#state = 'draining'
    this.onChange?.()
  }

  /** Ends a complete exchange. @param more whether bytes follow the response. */
  #complete(exchange: H1Exchange, more: boolean): void {
    const { keepAlive, keepAliveMs, trailers } = this.#parser
    // RFC 9112 §9.3, §9.6: after an incompletely sent request, the connection cannot be reused.
    const reusable = keepAlive && exchange.sent && this.#idle.allows(keepAliveMs)
    this.#parser.next()
    this.#exchanges.remove(exchange)
    const next = this.#exchanges.first
    exchange.complete(trailers)
    if (!reusable || (more && next?.written !== true)) {
      this.#lose(CLOSING)
      return exchange.closed()
    }
    this.resumeReading()
    this.#released(exchange)
  }

  /** Frees the slot of an exchange. */
  #released(exchange: H1Exchange): void {
    if (this.#exchanges.size > 0) this.#writeSoon()
    else if (this.#state !== 'closed') {
      this.socket.unref()
      this.#idle.start()
      // Drain only now: until its last request ended, the connection counted towards the origin's
      // limit.
      if (this.#remaining === 0) this.#drain()
      if (this.#state === 'draining') this.#end()
    }
    if (this.#state === 'open') this.onChange?.()
    exchange.closed()
  }

  #refuse(exchange: H1Exchange): void {
    const fault = this.#parser.fault!
    if (!this.#endedLocally) this.#pipeline.judge(this.#exchanges.all)
    this.#endedLocally = true
    this.endedBy ??= 'protocol'
    this.#exchanges.remove(exchange)
    exchange.refused(fault)
    this.#lose('the response to an earlier request was malformed', undefined, true)
    exchange.closed()
  }

  /** Handles the end of the socket's input. */
  #finish(): void {
    const exchange = this.#exchanges.first
    if (exchange?.written === true && this.#state !== 'closed') {
      this.#parser.finish()
      if (this.#parser.complete && !exchange.over) return this.#complete(exchange, false)
    }
    this.#lose('the server closed the connection')
  }

  #endIdle(): void {
    this.endedBy = 'idle'
    this.#end()
  }

  #end(): void {
    this.#endedLocally = true
    this.#lose('the client closed the connection')
  }

  /** Closes the connection and fails all requests. @param blamed see {@link ConnectionEnd}. */
  #lose(message: string, cause?: Error, blamed = false): void {
    const { begun } = this.#parser
    this.#over((exchanges) => failAll(exchanges, { message, cause, begun, blamed }))
  }

  /** Closes the connection and calls `fail` with its requests. */
  #over(fail: (exchanges: readonly H1Exchange[]) => void): void {
    if (this.#state === 'closed') return
    if (!this.#endedLocally) {
      this.#pipeline.judge(this.#exchanges.all)
      this.endedBy ??= 'peer'
    }
    this.#state = 'closed'
    this.socket.destroy()
    this.#parser.close()
    this.#idle.stop()
    this.#reading.stop()
    const exchanges = this.#exchanges.takeFrom(0)
    fail(exchanges)
    this.onChange?.()
    for (const exchange of exchanges) exchange.closed()
  }

  /** Fails requests that were made after the connection had closed: no byte of them was sent. */
  #failLate(): void {
    const late = this.#exchanges.takeFrom(0)
    failAll(late, { message: 'the connection was closed', begun: false, blamed: false })
    for (const exchange of late) exchange.closed()
  }
}
