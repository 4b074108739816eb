/**
 * undici's Dispatcher over a client: code written for undici, and Node's own fetch, use shared
 * HTTP/2 connections. Imports nothing from undici.
 */

import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { coalescing } from '@unshard/coalescing'
import { Client, type ClientOptions, ConnectError, ConnectionError, type HttpResponse, systemClock } from '@unshard/core'
import { namesOf, number, numberIn, type OptionSchema, refuseUnknown, value } from '@unshard/core/internal'
import { registerDispatcher } from '../fetch/other-dispatchers.js'
import {
  type CallOptions,
  type DataCallback,
  type PipelineHandler,
  pipeline,
  type ResponseData,
  request,
  type StreamData,
  type StreamFactory,
  stream,
  type UpgradeData,
  upgrade,
} from './api.js'
import { compose } from './compose.js'
import type { ControllerHandler, DispatchHandler, Dispatching, DispatchOptions, Interceptor } from './contract.js'
import { DispatchError, toDispatchError } from './errors.js'
import { Exchange, type ExchangeOwner } from './exchange.js'
import { ExchangeList } from './exchange-list.js'
import { isControllerHandler, type Listener, listenerOf } from './generations.js'
import { protocolOf, toRequest } from './request-options.js'

/**
 * Options of {@link Dispatcher}: an existing client, or the options of a dedicated coalescing
 * client.
 */
export interface DispatcherOptions extends ClientOptions {
  /**
   * Sends the requests. Stays open when the dispatcher is closed. Default: a dedicated client with
   * the other options.
   * @default a client of its own
   */
  readonly client?: Client
  /**
   * Handles what this dispatcher does not support: `CONNECT`, and everything while it is a mock
   * (`isMockActive`). Default: such requests are refused.
   */
  readonly fallback?: Dispatching
  /**
   * Requests in flight to one origin above which `dispatch` returns false until `drain`. They are
   * sent anyway.
   * @default 1,024
   */
  readonly highWaterMark?: number
}

/** Options of `Dispatcher` beyond those of a client. */
export const DISPATCHER_OPTIONS: OptionSchema<Pick<DispatcherOptions, 'client' | 'fallback' | 'highWaterMark'>> = {
  client: value('a client', 'a client of its own'),
  fallback: value('a dispatcher of undici'),
  highWaterMark: number(1_024, 0, Number.MAX_SAFE_INTEGER, 'requests'),
}

const NAMES = namesOf(DISPATCHER_OPTIONS)

type Callback = (error: Error | null, data: null) => void

/**
 * A Dispatcher for `undici.setGlobalDispatcher`, `fetch(url, { dispatcher })`, and the `dispatcher`
 * option of undici's functions, versions 6 to 8. Supports both generations of handlers, chosen per
 * call. Events: `connect`, `disconnect`, `connectionError` with `(origin, targets, error)`, as far
 * as requests reveal them, and `drain`.
 */
export class Dispatcher extends EventEmitter implements Dispatching {
  /** Sends the requests. */
  readonly client: Client
  /** See {@link DispatcherOptions.fallback}. */
  fallback: Dispatching | undefined
  readonly #ownsClient: boolean
  readonly #highWaterMark: number
  readonly #exchanges = new ExchangeList<Exchange>()
  /** Requests in flight by origin. */
  readonly #inFlight = new Map<string, number>()
  /** Origins whose last dispatch returned false. */
  readonly #full = new Set<string>()
  /** IDs of connections for which `connect` was emitted. */
  readonly #connectionIds = new Set<number>()
  /**
   * Connection failures reported in this turn: one failure ends all requests of its connection at
   * once, but is one event.
   */
  readonly #reportedFailures = new Set<string>()
  #isClosed = false
  #isDestroyed = false
  #onIdle: (() => void)[] = []

  /** @throws UsageError for an unknown option or a value out of range. */
  constructor(given: DispatcherOptions = {}) {
    super()
    // Own members only: `Object.prototype` may be polluted.
    const own = { __proto__: null, ...given } as DispatcherOptions
    const { client, fallback, highWaterMark: _, ...options } = own
    // An existing client has its own options.
    if (client !== undefined) refuseUnknown(options, NAMES, '', 'a dispatcher with a client')
    this.#ownsClient = client === undefined
    this.client = client ?? new Client({ reuse: coalescing(), ...options })
    registerDispatcher(this, this.client)
    this.fallback = fallback
    this.#highWaterMark = numberIn(DISPATCHER_OPTIONS, own, 'highWaterMark')
  }

  // biome-ignore lint/suspicious/noExplicitAny: the type of listeners in undici 6, 7 and 8.
  override listeners(event: string | symbol): any[] {
    return super.listeners(event)
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above.
  override rawListeners(event: string | symbol): any[] {
    return super.rawListeners(event)
  }

  /** Whether {@link close} or {@link destroy} was called. */
  get closed(): boolean {
    return this.#isClosed
  }

  /** Whether {@link destroy} was called, or {@link close} is done. */
  get destroyed(): boolean {
    return this.#isDestroyed
  }

  /** Read by undici's fetch: whether to pass whole requests to a mock. */
  get isMockActive(): boolean {
    return this.fallback?.isMockActive === true
  }

  /**
   * Sends a request and notifies `handler`, also of an invalid request.
   * @returns false if the caller should wait for `drain`; the request is sent anyway.
   * @throws DispatchError `UND_ERR_INVALID_ARG` for a handler that cannot be notified.
   */
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean {
    const listener = listenerOf(handler)
    const { fallback } = this
    if (fallback !== undefined && (this.isMockActive || isTunnel(options))) return fallback.dispatch(options, handler)
    try {
      return this.#dispatch(options, listener)
    } catch (error) {
      if (isControllerHandler(handler)) refuseController(handler, error)
      else handler.onError!(error as Error)
      return false
    }
  }

  /**
   * Wraps this dispatcher in interceptors, like undici's `compose`: the last one runs first.
   * Accepts those of undici 6, 7 and 8.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the type of interceptors in undici 6, 7 and 8.
  compose(...interceptors: any[]): Dispatcher {
    return compose(this, interceptors.flat() as (Interceptor | null | undefined)[]) as unknown as Dispatcher
  }

  /** Like undici's: resolves, or calls back, with the response when its headers arrive. */
  request(options: CallOptions): Promise<ResponseData>
  request(options: CallOptions, callback: DataCallback<ResponseData>): void
  request(options: CallOptions, callback?: DataCallback<ResponseData>): unknown {
    return answered(() => request(this, options), callback)
  }

  /** Like undici's: writes the content into the stream that `factory` creates. */
  stream(options: CallOptions, factory: StreamFactory): Promise<StreamData>
  stream(options: CallOptions, factory: StreamFactory, callback: DataCallback<StreamData>): void
  stream(options: CallOptions, factory: StreamFactory, callback?: DataCallback<StreamData>): unknown {
    return answered(() => stream(this, options, factory), callback)
  }

  /**
   * Like undici's: sends the content written to the stream, and reads from the stream that
   * `handler` returns.
   */
  pipeline(options: CallOptions, handler: PipelineHandler): Duplex {
    return pipeline(this, options, handler)
  }

  /** Like undici's, with a {@link DispatcherOptions.fallback}. */
  connect(options: CallOptions): Promise<UpgradeData>
  connect(options: CallOptions, callback: DataCallback<UpgradeData>): void
  connect(options: CallOptions, callback?: DataCallback<UpgradeData>): unknown {
    return answered(() => upgrade(this, options, { method: 'CONNECT' }), callback)
  }

  /**
   * Like undici's. A WebSocket is a stream of HTTP/2 where the server offers it (RFC 8441); other protocols need HTTP/1.1.
   */
  upgrade(options: CallOptions): Promise<UpgradeData>
  upgrade(options: CallOptions, callback: DataCallback<UpgradeData>): void
  upgrade(options: CallOptions, callback?: DataCallback<UpgradeData>): unknown {
    const protocol = options?.protocol ?? 'Websocket'
    return answered(() => upgrade(this, options, { upgrade: protocol }), callback)
  }

  /**
   * Refuses new requests; resolves, or calls back, when those in flight are over. Closes a
   * dedicated client.
   */
  close(): Promise<void>
  close(callback: Callback): void
  close(callback?: Callback): Promise<void> | undefined {
    return settle(this.#close(), callback)
  }

  /** Ends every request now, with `error` or `UND_ERR_DESTROYED`. Destroys a dedicated client. */
  destroy(error?: Error | null): Promise<void>
  destroy(callback: Callback): void
  destroy(error: Error | null, callback: Callback): void
  destroy(error?: Error | null | Callback, callback?: Callback): Promise<void> | undefined {
    if (typeof error === 'function') return settle(this.#destroy(undefined), error)
    return settle(this.#destroy(error ?? undefined), callback)
  }

  /** For `await using`: {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #dispatch(options: DispatchOptions, listener: Listener): boolean {
    if (typeof options !== 'object' || options === null) throw new DispatchError('UND_ERR_INVALID_ARG', 'opts must be an object.')
    if (this.#isDestroyed) throw new DispatchError('UND_ERR_DESTROYED', 'The client is destroyed')
    if (this.#isClosed) throw new DispatchError('UND_ERR_CLOSED', 'The client is closed')
    if (isTunnel(options))
      throw new DispatchError('UND_ERR_NOT_SUPPORTED', 'CONNECT is not supported: set a fallback dispatcher', { processed: 'no' })
    const request = toRequest(options)
    const protocol = protocolOf(options)
    const origin = String(options.origin)
    const exchange = new Exchange(this.#owner, listener, origin)
    this.#exchanges.add(exchange)
    const inFlight = (this.#inFlight.get(origin) ?? 0) + 1
    this.#inFlight.set(origin, inFlight)
    if (protocol === undefined) exchange.start(this.client, request)
    else exchange.startUpgrade(this.client, request, protocol)
    if (inFlight < this.#highWaterMark) return true
    this.#full.add(origin)
    return false
  }

  async #close(): Promise<void> {
    if (this.#isDestroyed) throw new DispatchError('UND_ERR_DESTROYED', 'The client is destroyed')
    this.#isClosed = true
    if (this.#exchanges.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
    if (this.#ownsClient) await this.client.close()
    this.#isDestroyed = true
  }

  async #destroy(error: Error | undefined): Promise<void> {
    this.#isClosed = true
    this.#isDestroyed = true
    const reason = error ?? new DispatchError('UND_ERR_DESTROYED', 'The client is destroyed')
    for (const exchange of this.#exchanges.all()) exchange.abort(reason)
    if (this.#ownsClient) this.client.destroy(reason)
  }

  readonly #owner: ExchangeOwner = {
    onAnswer: (exchange, response) => {
      if (this.listenerCount('connect') > 0) this.#noteConnection(exchange, response)
    },
    onOver: (exchange, error) => {
      this.#exchanges.delete(exchange)
      if (error instanceof ConnectError) this.#emitOnce('connectionError', exchange, error)
      else if (error instanceof ConnectionError) this.#emitOnce('disconnect', exchange, error)
      this.#release(exchange.origin)
      if (this.#exchanges.size === 0) for (const idle of this.#onIdle.splice(0)) idle()
    },
    onHandlerError: (error) => {
      if (this.listenerCount('error') > 0) this.emit('error', error)
      else throwLater(error)
    },
  }

  #release(origin: string): void {
    const inFlight = this.#inFlight.get(origin)! - 1
    if (inFlight === 0) this.#inFlight.delete(origin)
    else this.#inFlight.set(origin, inFlight)
    if (inFlight >= this.#highWaterMark || !this.#full.delete(origin)) return
    // Deferred: a listener may dispatch, and the exchange that has just ended has not been reported
    // yet.
    queueMicrotask(() => this.#emit('drain', origin))
  }

  #noteConnection(exchange: Exchange, response: HttpResponse): void {
    const { id } = response.connection
    if (this.#connectionIds.has(id)) return
    if (this.#connectionIds.size >= MAX_CONNECTION_IDS) this.#connectionIds.clear()
    this.#connectionIds.add(id)
    this.#emit('connect', exchange.origin)
  }

  #emitOnce(event: 'connectionError' | 'disconnect', exchange: Exchange, error: Error): void {
    if (this.listenerCount(event) === 0) return
    const what = `${event} ${exchange.origin}`
    if (this.#reportedFailures.has(what)) return
    if (this.#reportedFailures.size === 0) systemClock.afterTurn(() => this.#reportedFailures.clear())
    this.#reportedFailures.add(what)
    this.#emit(event, exchange.origin, toDispatchError(error, false))
  }

  /** Emits an event. An error thrown by a listener must not reach a request. */
  #emit(event: string, origin: string, error?: unknown): void {
    try {
      this.emit(event, new URL(origin), [this], ...(error === undefined ? [] : [error]))
    } catch (thrown) {
      throwLater(thrown)
    }
  }
}

/** Maximum number of connections remembered, to avoid emitting `connect` twice. */
const MAX_CONNECTION_IDS = 65_536

function isTunnel(options: DispatchOptions | null): boolean {
  return options !== null && typeof options === 'object' && options.method === 'CONNECT'
}

/** Gives a handler of the newer generation a controller of a request that was never sent. */
function refuseController(handler: ControllerHandler, error: unknown): void {
  const controller = { aborted: false, paused: false, reason: null, rawHeaders: undefined, rawTrailers: undefined }
  const nothing = (): void => undefined
  handler.onResponseError?.({ ...controller, abort: nothing, pause: nothing, resume: nothing }, error as Error)
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}

/**
 * Sends a request and returns a promise, or calls back instead. @throws DispatchError
 * `UND_ERR_INVALID_ARG` before anything is sent.
 */
function answered<T>(send: () => Promise<T>, callback: DataCallback<T> | undefined): Promise<T> | undefined {
  if (callback === undefined) return send()
  if (typeof callback !== 'function') throw new DispatchError('UND_ERR_INVALID_ARG', 'invalid callback')
  send().then(
    (data) => callback(null, data),
    (error: Error) => callback(error, null as never),
  )
  return undefined
}

/** Returns the promise, or calls back instead. */
function settle(promise: Promise<void>, callback: Callback | undefined): Promise<void> | undefined {
  if (callback === undefined) return promise
  if (typeof callback !== 'function') throw new DispatchError('UND_ERR_INVALID_ARG', 'invalid callback')
  promise.then(
    () => callback(null, null),
    (error: Error) => callback(error, null),
  )
  return undefined
}
