/**
 * One HTTP/2 connection: connects a socket with the sans-IO protocol. Owns when bytes are written
 * and how the connection ends. Must not know what the bytes mean (protocol) or the state of one
 * request (exchange).
 */

import type { SerializedOrigin } from '../message/origin.js'
import { type HttpRequest, noExtendedConnect, withoutKey } from '../message/request.js'
import type { Clock } from '../runtime/clock.js'
import type { CloseReason, Connection, ConnectionState, ConnectionWatcher, DialTimes } from '../transport/connection.js'
import { nextConnectionId } from '../transport/connection.js'
import type { Exchange, ExchangeObserver } from '../transport/exchange.js'
import type { Route } from '../transport/route.js'
import type { Http2Record } from '../transport/target.js'
import type { H2Options, H2Socket } from './connection-options.js'
import { REFILL_MS, streamLimits } from './connection-options.js'
import type { ConnectionLoss, ExchangeHost } from './exchange.js'
import { fieldsTooLarge, H2Exchange } from './exchange.js'
import { Health } from './health/health.js'
import { Pings } from './health/pings.js'
import { OriginSet } from './origin-set.js'
import type { ProtocolListener } from './protocol/connection-state.js'
import type { ProtocolFault } from './protocol/error-code.js'
import { ErrorCode, errorCodeName } from './protocol/error-code.js'
import { Protocol } from './protocol/protocol.js'
import type { StreamEnd } from './protocol/stream.js'
import { SettingsWait } from './settings-wait.js'
import { closeSocket, lossOf, Shutdown } from './shutdown.js'
import { WriteScheduler } from './write-scheduler.js'

/** The engine's `Connection`. */
export class H2Connection implements Connection, ProtocolListener, ExchangeHost {
  readonly id: number = nextConnectionId()
  readonly protocol = 'h2'
  readonly route: Route
  wasIdle = false
  receivedAt: number | undefined
  endedBy: CloseReason | undefined
  dialed: DialTimes | undefined
  onChange: (() => void) | undefined
  watcher: ConnectionWatcher | undefined
  readonly #socket: H2Socket
  readonly #engine: Protocol<H2Exchange>
  readonly clock: Clock
  readonly #pings: Pings
  readonly #originSet: OriginSet
  readonly #refillMs: number
  #refilledAt: number
  readonly #health: Health
  readonly #record: Http2Record
  readonly #writes: WriteScheduler
  #state: ConnectionState = 'open'
  /** Whether received bytes are being processed. */
  #receiving = false
  readonly #wait = new SettingsWait()
  readonly #shutdown: Shutdown
  readonly closed: Promise<void>

  constructor(socket: H2Socket, route: Route, options: H2Options) {
    this.#socket = socket
    this.route = route
    this.clock = options.clock
    this.#refillMs = options.refillMs ?? REFILL_MS
    this.#refilledAt = options.clock.now()
    this.#engine = new Protocol(this, options.settings, options.budget, streamLimits(options))
    this.#writes = new WriteScheduler(socket, this.#engine, () => this.#health.written())
    this.#pings = new Pings(options.clock, (opaque) => this.#sendPing(opaque))
    this.#originSet = new OriginSet(route)
    this.#shutdown = new Shutdown(route.origin.serialized)
    this.#record = options.record
    this.#health = this.#watch(options)
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    this.#listen(options.reads)
    this.#engine.start()
    this.flush()
    socket.unref?.()
  }

  get state(): ConnectionState {
    return this.#state
  }

  get capacity(): number {
    return this.#state === 'open' && this.#health.ready ? this.#engine.capacity : 0
  }

  get active(): number {
    return this.#engine.active
  }

  /** Whether no open stream has moved for long, or the connection is full of unread responses. */
  get unread(): boolean {
    if (this.#health.stalled) return true
    if (this.#state !== 'open' || this.#engine.capacity > 0) return false
    for (const { owner } of this.#engine.open()) if (owner.unread) return true
    return false
  }

  get requests(): number {
    // Odd numbers are the client's (RFC 9113 §5.1.1).
    return (this.#engine.openedStreams - 1) / 2
  }

  get confirmed(): boolean {
    return this.#engine.peerSettings.received
  }

  get maxConcurrentStreams(): number | undefined {
    const { received, maxConcurrentStreams } = this.#engine.peerSettings
    return received ? maxConcurrentStreams : undefined
  }

  get originSet(): ReadonlySet<SerializedOrigin> | undefined {
    return this.#originSet.value
  }

  removeOrigin(origin: SerializedOrigin): void {
    this.#originSet.delete(origin)
  }

  request(request: HttpRequest, observer: ExchangeObserver): Exchange {
    if (request.protocol !== undefined) {
      if (!this.confirmed) return this.#whenConfirmed(request, observer)
      if (!this.#engine.peerSettings.connectProtocol) throw noExtendedConnect(request)
      return this.#send(withoutKey(request), observer)
    }
    return this.#send(request, observer)
  }

  #send(request: HttpRequest, observer: ExchangeObserver): Exchange {
    if (this.#engine.exceedsPeerLimit(request)) throw fieldsTooLarge(this.#engine, request)
    const first = this.#engine.active === 0
    const exchange = new H2Exchange(this.#engine, request, observer, this)
    exchange.start()
    if (first) this.#busy()
    this.#writes.opened(exchange.streamId)
    this.flush()
    // This was the last stream identifier (RFC 9113 §5.1.1): take no more requests.
    if (this.#engine.retiring) this.#drain()
    return exchange
  }

  ping(timeoutMs: number): Promise<number> {
    if (this.#state === 'closed') return Promise.reject(this.#shutdown.closedError('local'))
    return this.#pings.send(timeoutMs)
  }

  verify(): boolean {
    const ready = this.#health.verify()
    // Without SETTINGS, the server may be ill. Bytes that arrive right now end the idle time.
    if (!ready && this.confirmed && !this.#receiving) this.wasIdle = true
    return ready
  }

  awoke(): void {
    this.#health.awoke()
  }

  get verifying(): boolean {
    return this.#health.verifying
  }

  suspect(): void {
    this.#health.suspect()
  }

  close(): Promise<void> {
    if (this.#state === 'open') this.#retire()
    return this.closed
  }

  destroy(reason: Error): void {
    this.#end(reason)
  }

  toString(): string {
    const { origin, remoteAddress, remotePort } = this.route
    return `h2 #${this.id} ${origin.serialized} at ${remoteAddress}:${remotePort}, ${this.#state}, ${this.active} active`
  }

  onCapacity(): void {
    this.#health.settingsReceived()
    if (this.confirmed) this.#wait.release()
    if (this.#engine.retiring) this.#drain()
    else this.onChange?.()
  }

  overloaded(streamId: number): void {
    if (this.#state === 'open') {
      const streams = Math.max(1, [...this.#engine.open()].filter(({ id }) => id < streamId).length)
      this.#record.overload = { streams, atMs: this.clock.now() }
    }
    this.#drain()
  }

  lostBy(streamId: number, end: StreamEnd): ConnectionLoss | undefined {
    if (!this.#shutdown.explains(end)) return undefined
    return { reason: this.#shutdown.closedError('peer'), loss: lossOf(streamId, this.#shutdown.culprit, true) }
  }

  onStreamClosed(): void {
    if (this.#engine.active === 0) this.#idle()
    this.onChange?.()
  }

  onGoaway(lastStreamId: number, errorCode: number, debug: string): void {
    this.#shutdown.noteGoaway(lastStreamId, errorCode, debug, this.#engine.isOpen(lastStreamId))
    if (errorCode !== ErrorCode.NO_ERROR) this.#health.goawayReceived(errorCode)
    if (errorCode === ErrorCode.ENHANCE_YOUR_CALM && debug.includes('too_many_pings')) this.#record.tooManyPings++
    this.endedBy ??= 'goaway'
    this.watcher?.goaway(this, { lastStreamId, errorCode: errorCodeName(errorCode), debugData: debug })
    this.#drain()
  }

  onPong(opaque: Buffer): void {
    const roundTripMs = this.#pings.received(opaque)
    if (roundTripMs !== undefined) this.watcher?.ping(this, roundTripMs)
  }

  onOrigin(origins: readonly string[]): void {
    if (this.#originSet.add(origins)) this.onChange?.()
  }

  /** Ignores ALTSVC: using an alternative service is optional (RFC 7838). */
  onAltSvc(): void {}

  /** Sends a request once SETTINGS of the server have arrived. */
  #whenConfirmed(request: HttpRequest, observer: ExchangeObserver): Exchange {
    this.#socket.ref?.()
    return this.#wait.keep(
      observer,
      () => this.request(request, observer),
      // As when the last stream ends: an idle connection does not keep the process alive.
      () => this.#engine.active === 0 && this.#wait.isEmpty && this.#socket.unref?.(),
    )
  }

  #listen(reads: H2Options['reads']): void {
    const socket = this.#socket
    if (reads === undefined) socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    else reads.start((bytes) => this.#receive(bytes))
    socket.on('drain', () => this.#writes.onDrain())
    socket.on('error', (cause: Error) => this.#lost(cause))
    socket.on('end', () => this.#lost())
    socket.on('close', () => this.#lost())
  }

  #receive(chunk: Buffer): void {
    const now = this.clock.now()
    this.receivedAt = now
    this.#writes.resetCount()
    if (now - this.#refilledAt >= this.#refillMs) {
      this.#engine.refillLimits(now - this.#refilledAt)
      this.#refilledAt = now
    }
    this.#receiving = true
    const fault = this.#engine.receive(chunk)
    this.#receiving = false
    if (fault !== undefined) this.#fail(fault)
    else if (this.#engine.hasOutput) this.flush()
    // Last, because the received frames may have ended the connection.
    this.#health.received(now)
  }

  #watch({ pool, record }: H2Options): Health {
    return new Health({
      ...{ clock: this.clock, engine: this.#engine, pool, pings: this.#pings, complaints: record.tooManyPings },
      alternatives: this.route.addresses.length > 1,
      unsentBytes: () => this.#socket.writableLength,
      writtenBytes: () => this.#writes.writtenBytes,
      flush: () => this.flush(),
      changed: () => this.onChange?.(),
      retire: () => this.#retire(),
      gone: () => this.#gone(),
    })
  }

  /** The peer is presumed dead: it has not closed a connection that was idle. */
  #gone(): void {
    this.wasIdle = false
    this.endedBy ??= 'silence'
    this.#end(this.#shutdown.closedError('peer', new Error('no bytes from the server, and no PING acknowledgment')))
  }

  /** Sends GOAWAY and lets open streams finish. */
  #retire(): void {
    this.#engine.goaway(ErrorCode.NO_ERROR, '')
    this.#drain()
  }

  flush(): void {
    this.#writes.schedule()
  }

  #sendPing(opaque: Uint8Array): void {
    this.#engine.ping(opaque)
    this.flush()
  }

  /** Takes no more requests; closes the socket when the last open request ends. */
  #drain(): void {
    if (this.#state !== 'open') return
    this.#state = 'draining'
    this.flush()
    if (this.#engine.active === 0) this.#idle()
    this.onChange?.()
  }

  #busy(): void {
    this.#socket.ref?.()
    this.#health.busy()
  }

  #idle(): void {
    this.#socket.unref?.()
    this.#health.idle()
    if (this.#state === 'draining') this.#end(this.#shutdown.closedError('local'))
    else this.flush()
  }

  /**
   * Fails the connection after a peer error; GOAWAY is sent before the socket closes (RFC 9113
   * §5.4.1).
   */
  #fail(fault: ProtocolFault): void {
    this.endedBy ??= 'protocol'
    this.#end(this.#shutdown.faultError(fault), true)
  }

  /**
   * The peer closed the socket. Writes nothing more: a half-closed peer would still read it, while
   * requests that count as unprocessed are sent again on another connection.
   */
  #lost(cause?: Error): void {
    this.#engine.takeOutput()
    this.endedBy ??= 'peer'
    this.#end(this.#shutdown.closedError('peer', cause))
  }

  #tellLost(reason: Error): void {
    const engine = this.#engine
    const shared = engine.active > 1
    engine.abandon((stream) => {
      const unsent = stream.id > this.#writes.writtenStreamId
      stream.owner.onConnectionLost(reason, unsent, lossOf(stream.id, this.#shutdown.culprit, shared))
    })
  }

  /** Ends the connection once: writes pending output, fails the exchanges, closes the socket. */
  #end(reason: Error, linger = false): void {
    if (this.#state === 'closed') return
    const last = this.#writes.takeLast()
    this.#state = 'closed'
    this.#health.stop()
    this.#pings.fail(reason)
    this.#tellLost(reason)
    this.#wait.fail(reason, this.route.origin.serialized)
    if (!this.#socket.destroyed) {
      this.#writes.end(last)
      closeSocket(this.#socket, this.clock, linger)
    }
    this.onChange?.()
  }
}
