/**
 * An HTTP/1.1 connection over one negotiated socket (RFC 9112): which requests are on it, in which order, and what becomes of them when it ends.
 * How a response is written is known to the parser alone.
 */

import { TimeoutError, UsageError } from '../errors/errors.js'
import type { SerializedOrigin } from '../message/origin.js'
import type { HttpRequest } from '../message/request.js'
import type { Clock } from '../runtime/clock.js'
import { queueMicrotask, setImmediate } from '../runtime/event-loop.js'
import { afterEventLoopTurn } from '../runtime/event-loop-turn.js'
import type { ResolvedPoolSettings } from '../settings/pool-settings.js'
import { type Connection, type ConnectionState, nextConnectionId } from '../transport/connection.js'
import type { Exchange, ExchangeObserver } from '../transport/exchange.js'
import type { Carrier, Route } from '../transport/route.js'
import type { Http1Record } from '../transport/target.js'
import { H1Exchange, type H1Host } from './exchange.js'
import { IdleTimer } from './idle-timer.js'
import { Pipeline } from './pipelining.js'
import { type ResponseEvents, ResponseParser } from './response-parser.js'

/** Settings and collaborators of a connection. */
export interface H1Options {
  /** The largest field section of a response, in bytes. */
  readonly maxFieldSectionBytes: number
  readonly pool: Pick<ResolvedPoolSettings, 'maxRequestsPerConnection' | 'pipelining'>
  /** The origin's record, where broken pipelining is noted. */
  readonly record: Http1Record
  readonly clock: Clock
  /** The reads of the socket, where they go into memory that is only lent. Default: the socket's own. */
  readonly reads?: { start(sink: (bytes: Buffer) => void): void } | undefined
}

/** Requests over the socket that ALPN has left us with. */
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
  readonly #closed: Promise<void>
  readonly #pipeline: Pipeline
  #state: ConnectionState = 'open'
  /** In the order in which they are sent, and answered. */
  readonly #exchanges: H1Exchange[] = []
  /** One that others may neither precede nor follow. */
  #alone: H1Exchange | undefined
  /** The end is this side's doing. */
  #endedHere = false
  /** Requests that may still be sent. */
  #left: number
  /** Requests are written at the end of this turn of the microtask queue. */
  #writing = false
  /** No byte can have come out of turn: the connection is new in this turn, or has just been left for one. */
  #yielded = true
  #verifying = false
  /** A response waits for its reader. */
  #paused = false

  /** @param forwarding the socket leads to a proxy that forwards requests, and this is what it is sent with each of them. */
  constructor(socket: Carrier, route: Route, options: H1Options, forwarding?: readonly string[]) {
    const { maxFieldSectionBytes, pool, record, clock, reads } = options
    this.clock = clock
    this.#pipeline = new Pipeline(record, pool.pipelining, clock)
    this.#left = pool.maxRequestsPerConnection === 0 ? Number.POSITIVE_INFINITY : pool.maxRequestsPerConnection
    this.socket = socket
    this.forwarding = forwarding
    this.route = route
    this.#parser = new ResponseParser(this, maxFieldSectionBytes)
    this.#idle = new IdleTimer(clock, () => this.#exchanges.length === 0 && this.#end())
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
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
    if (this.#state !== 'open' || this.#alone !== undefined) return 0
    return Math.max(0, Math.min(this.#pipeline.limit.depth - this.#exchanges.length, this.#left))
  }

  get active(): number {
    return this.#exchanges.length
  }

  get unread(): boolean {
    return this.#exchanges[0]?.unread === true
  }

  request(request: HttpRequest, observer: ExchangeObserver): Exchange {
    const origin = request.origin.serialized
    if (request.trailers !== undefined) {
      throw new UsageError('ERR_TRAILERS_UNSUPPORTED', `${origin} speaks HTTP/1.1, over which trailers are not sent`, { origin })
    }
    if (this.#exchanges.length === 0) this.socket.ref()
    this.#yielded = false
    const pipelined = this.#pipeline.takes(request)
    const close = request.close || this.#pipeline.limit.once
    const exchange = new H1Exchange(request, observer, this, { pipelined, close })
    // Where others are in flight it is written when they are answered.
    if (!pipelined) this.#alone = exchange
    else if (this.#exchanges.length > 0) this.#pipeline.noteBehind(exchange)
    this.#exchanges.push(exchange)
    this.#left--
    if (close) this.#drain()
    this.#writeSoon()
    return exchange
  }

  /**
   * HTTP/1.1 answers bear no number: whatever a server sends now would be taken for the answer to the next request. So an idle socket is
   * left for one whole turn of the event loop, wherever in a turn this is; what lies in it is read by then, and ends it.
   */
  verify(): boolean {
    if (this.#idle.expired) {
      this.#end()
      return false
    }
    if (this.#yielded || this.#verifying) return this.#yielded
    this.#verifying = true
    afterEventLoopTurn(this.#verified)
    return false
  }

  get verifying(): boolean {
    return this.#verifying
  }

  removeOrigin(): void {
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
    this.#endedHere = true
    this.#over((exchange) => exchange.destroyed(reason))
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
      this.#remove(exchange)
      return this.#released(exchange)
    }
    // A deadline that passed is the peer's doing.
    if (reason instanceof TimeoutError && !this.#endedHere) this.#pipeline.judge(this.#exchanges)
    this.#endedHere = true
    this.#remove(exchange)
    this.#lose('a request before this one was ended', undefined, true)
    exchange.closed()
  }

  pauseReading(): void {
    this.#paused = true
    this.socket.pause()
  }

  resumeReading(): void {
    if (!this.#paused) return
    this.#paused = false
    this.socket.resume()
  }

  onInterim(status: number, fields: readonly string[], bytes: number): void {
    this.#parser.fault ??= this.#exchanges[0]!.onInterim(status, fields, bytes)
  }

  onHead(status: number, fields: readonly string[], reason: string, expectedBytes: number): void {
    this.#exchanges[0]!.onHead(status, fields, reason, expectedBytes)
  }

  onContent(bytes: Buffer, start: number, end: number): void {
    this.#exchanges[0]?.onContent(bytes, start, end)
  }

  #listen(reads: H1Options['reads']): void {
    const { socket } = this
    if (reads === undefined) socket.on('data', this.#receive)
    else reads.start(this.#receive)
    socket.on('drain', () => this.#exchanges[0]?.onDrain())
    socket.on('error', (cause: Error) => this.#lose(`the connection failed: ${cause.message}`, cause))
    socket.on('end', () => this.#finish())
    socket.on('close', () => this.#lose('the connection was closed'))
  }

  readonly #receive = (bytes: Buffer): void => {
    let at = 0
    while (at < bytes.length && this.#state !== 'closed') {
      const exchange = this.#exchanges[0]
      // Out of turn: it would be taken for the next answer.
      if (exchange === undefined || !exchange.written) return this.#lose('the server has sent an answer before a request')
      this.#parser.headOnly = exchange.headOnly
      at = this.#parser.execute(bytes, at, bytes.length)
      const { fault } = this.#parser
      if (fault !== undefined) return this.#refuse(exchange)
      if (this.#parser.complete && !exchange.over) this.#complete(exchange, at < bytes.length)
    }
  }

  readonly #write = (): void => {
    this.#writing = false
    if (this.#state === 'closed') return this.#failUnsent()
    // Nothing of them is sent: they may go over another connection.
    if (this.socket.destroyed) return this.#lose('the connection was closed')
    const [first] = this.#exchanges
    const several = this.#exchanges.length > 1
    if (several) this.socket.cork()
    for (const exchange of this.#exchanges) {
      if (exchange.written) continue
      if (exchange !== first && !exchange.pipelined) break
      exchange.send()
    }
    if (several) this.socket.uncork()
  }

  /** Nothing is called back before {@link request} returns, and what is sent in one turn is one write. */
  #writeSoon(): void {
    if (this.#writing) return
    this.#writing = true
    queueMicrotask(this.#write)
  }

  /** Requests that came when the connection was no more. */
  #failUnsent(): void {
    for (const exchange of this.#exchanges.splice(0)) {
      exchange.lost('the connection was closed', undefined, { first: true, begun: false })
      exchange.closed()
    }
  }

  readonly #verified = (): void => {
    this.#verifying = false
    if (this.#state !== 'open') return
    this.#yielded = true
    this.onChange?.()
    // For those who waited for it, and not for later ones.
    this.#yielded = false
  }

  #drain(): void {
    if (this.#state !== 'open') return
    this.#state = 'draining'
    this.onChange?.()
  }

  /** A final response is there. @param more bytes have come behind it. */
  #complete(exchange: H1Exchange, more: boolean): void {
    const { keepAlive, keepAliveMs, trailers } = this.#parser
    // RFC 9112 §9.3, §9.6: a request that is not all sent is not sent to its end, and there is no next one.
    const reusable = keepAlive && exchange.sent && this.#idle.allows(keepAliveMs)
    this.#parser.next()
    this.#remove(exchange)
    const next = this.#exchanges[0]
    exchange.complete(trailers)
    if (!reusable || (more && next?.written !== true)) {
      this.#lose('the server closes the connection after an earlier response')
      return exchange.closed()
    }
    this.resumeReading()
    this.#released(exchange)
  }

  /** There is a place. */
  #released(exchange: H1Exchange): void {
    if (this.#exchanges.length > 0) this.#writeSoon()
    else if (this.#state !== 'closed') {
      this.socket.unref()
      this.#idle.start()
      // Not when the last one began: until now it was one of those that the origin may have.
      if (this.#left === 0) this.#drain()
      if (this.#state === 'draining') this.#end()
    }
    if (this.#state === 'open') this.onChange?.()
    exchange.closed()
  }

  #remove(exchange: H1Exchange): void {
    const index = this.#exchanges.indexOf(exchange)
    if (index === 0) this.#exchanges.shift()
    else if (index > 0) this.#exchanges.splice(index, 1)
    if (this.#alone === exchange) this.#alone = undefined
  }

  #refuse(exchange: H1Exchange): void {
    const fault = this.#parser.fault!
    if (!this.#endedHere) this.#pipeline.judge(this.#exchanges)
    this.#endedHere = true
    this.#remove(exchange)
    exchange.refused(fault)
    this.#lose('the answer to an earlier request was malformed', undefined, true)
    exchange.closed()
  }

  /** The server has said all it will. */
  #finish(): void {
    const [exchange] = this.#exchanges
    if (exchange?.written === true && this.#state !== 'closed') {
      this.#parser.finish()
      if (this.#parser.complete && !exchange.over) return this.#complete(exchange, false)
    }
    this.#lose('the server closed the connection')
  }

  #end(): void {
    this.#endedHere = true
    this.#lose('the connection was closed here')
  }

  /** @param blamed the request whose affair it is has been told. */
  #lose(message: string, cause?: Error, blamed = false): void {
    const begun = this.#parser.begun
    let first = !blamed
    this.#over((exchange, index) => {
      const { written } = exchange
      exchange.lost(message, cause, { first: first && written, begun: begun && index === 0 })
      if (written) first = false
    })
  }

  /** The connection is no more. `tell` is called for each request on it. */
  #over(tell: (exchange: H1Exchange, index: number) => void): void {
    if (this.#state === 'closed') return
    if (!this.#endedHere) this.#pipeline.judge(this.#exchanges)
    this.#state = 'closed'
    this.socket.destroy()
    this.#parser.close()
    this.#idle.stop()
    const exchanges = this.#exchanges.splice(0)
    this.#alone = undefined
    exchanges.forEach(tell)
    this.onChange?.()
    for (const exchange of exchanges) exchange.closed()
  }
}
