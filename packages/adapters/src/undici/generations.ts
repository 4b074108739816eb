/**
 * Adapts both generations of undici's handlers to one interface, so that an exchange need not know
 * which one it serves.
 */

import type { Duplex } from 'node:stream'
import type { ControllerHandler, DispatchController, DispatchHandler, RawHandler, ResponseFields } from './contract.js'
import { invalidArgument } from './errors.js'
import { toObject, toRaw } from './raw-fields.js'

/** Controls an exchange; passed to the newer handlers. */
export interface Controlled extends DispatchController {
  rawHeaders: Buffer[] | undefined
  rawTrailers: Buffer[] | undefined
}

/** A handler of either generation. `false` asks for a pause. */
export interface Listener {
  start(exchange: Controlled): void
  headers(exchange: Controlled, status: number, fields: readonly string[], statusText: string): boolean
  /** The server has switched to another protocol (101): the handler takes the stream over. */
  upgraded(exchange: Controlled, fields: readonly string[], stream: Duplex): void
  data(exchange: Controlled, chunk: Buffer): boolean
  end(exchange: Controlled, trailers: readonly string[]): void
  error(exchange: Controlled, error: Error): void
  /** Optional methods of both generations. */
  readonly handler: Pick<RawHandler, 'onResponseStarted' | 'onBodySent' | 'onRequestSent'>
}

/**
 * Chosen per call by the presence of `onRequestStart`. @throws DispatchError `UND_ERR_INVALID_ARG`
 * if `handler` is not a valid handler.
 */
export function listenerOf(handler: DispatchHandler): Listener {
  if (typeof handler !== 'object' || handler === null) throw invalidArgument('handler must be an object')
  if (isControllerHandler(handler)) return new ControllerListener(handler)
  if (typeof handler.onError !== 'function') throw invalidArgument('invalid onError method')
  return new RawListener(handler)
}

/** Whether the handler is of the newer generation. */
export function isControllerHandler(handler: DispatchHandler): handler is ControllerHandler {
  return typeof (handler as Partial<ControllerHandler>).onRequestStart === 'function'
}

class RawListener implements Listener {
  readonly handler: RawHandler

  constructor(handler: RawHandler) {
    this.handler = handler
  }

  start(exchange: Controlled): void {
    this.handler.onConnect?.((reason) => exchange.abort(reason), null)
  }

  headers(exchange: Controlled, status: number, fields: readonly string[], statusText: string): boolean {
    return this.handler.onHeaders?.(status, toRaw(fields), () => exchange.resume(), statusText) !== false
  }

  upgraded(_exchange: Controlled, fields: readonly string[], stream: Duplex): void {
    if (typeof this.handler.onUpgrade !== 'function') throw invalidArgument('invalid onUpgrade method')
    this.handler.onUpgrade(101, toRaw(fields), stream)
  }

  data(_exchange: Controlled, chunk: Buffer): boolean {
    return this.handler.onData?.(chunk) !== false
  }

  end(_exchange: Controlled, trailers: readonly string[]): void {
    this.handler.onComplete?.(toRaw(trailers))
  }

  error(_exchange: Controlled, error: Error): void {
    this.handler.onError?.(error)
  }
}

class ControllerListener implements Listener {
  readonly handler: ControllerHandler

  constructor(handler: ControllerHandler) {
    this.handler = handler
  }

  start(exchange: Controlled): void {
    this.handler.onRequestStart(exchange, null)
  }

  headers(exchange: Controlled, status: number, fields: readonly string[], statusText: string): boolean {
    exchange.rawHeaders = toRaw(fields)
    this.handler.onResponseStart?.(exchange, status, toObject(fields), statusText)
    return !exchange.paused
  }

  upgraded(exchange: Controlled, fields: readonly string[], stream: Duplex): void {
    if (typeof this.handler.onRequestUpgrade !== 'function') throw invalidArgument('invalid onRequestUpgrade method')
    exchange.rawHeaders = toRaw(fields)
    this.handler.onRequestUpgrade(exchange, 101, toObject(fields), stream)
  }

  data(exchange: Controlled, chunk: Buffer): boolean {
    this.handler.onResponseData?.(exchange, chunk)
    return !exchange.paused
  }

  end(exchange: Controlled, trailers: readonly string[]): void {
    exchange.rawTrailers = toRaw(trailers)
    this.handler.onResponseEnd?.(exchange, toObject(trailers))
  }

  error(exchange: Controlled, error: Error): void {
    if (typeof this.handler.onResponseError !== 'function') throw invalidArgument('invalid onResponseError method')
    this.handler.onResponseError(exchange, error)
  }
}

/**
 * Lets interceptors of either generation call an older handler: undici 7's call the newer methods,
 * undici 6's the older ones.
 */
export class BothGenerations implements ControllerHandler, Required<Omit<RawHandler, 'onBodySent' | 'onRequestSent'>> {
  readonly #handler: RawHandler

  constructor(handler: RawHandler) {
    this.#handler = handler
    // Define only methods that exist: an exchange skips the missing ones.
    const { onBodySent, onRequestSent } = handler
    if (typeof onBodySent === 'function') Object.assign(this, { onBodySent: onBodySent.bind(handler) })
    if (typeof onRequestSent === 'function') Object.assign(this, { onRequestSent: onRequestSent.bind(handler) })
  }

  onConnect(abort: (reason?: unknown) => void, context?: unknown): void {
    this.#handler.onConnect?.(abort, context)
  }

  onUpgrade(status: number, headers: Buffer[], socket: unknown): void {
    this.#handler.onUpgrade?.(status, headers, socket)
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.()
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean | undefined {
    return this.#handler.onHeaders?.(status, headers, resume, statusText)
  }

  onData(chunk: Buffer): boolean | undefined {
    return this.#handler.onData?.(chunk)
  }

  onComplete(trailers: Buffer[]): void {
    this.#handler.onComplete?.(trailers)
  }

  onError(error: Error): void {
    this.#handler.onError?.(error)
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    this.#handler.onConnect?.((reason) => controller.abort(reason), context)
  }

  onRequestUpgrade(_controller: DispatchController, status: number, headers: ResponseFields, socket: unknown): void {
    this.#handler.onUpgrade?.(status, rawOf(headers), socket)
  }

  onResponseStart(controller: DispatchController, status: number, headers: ResponseFields, statusMessage = ''): void {
    const goesOn = this.#handler.onHeaders?.(status, rawOf(headers), () => controller.resume(), statusMessage)
    if (goesOn === false) controller.pause()
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    if (this.#handler.onData?.(chunk) === false) controller.pause()
  }

  onResponseEnd(_controller: DispatchController, trailers: ResponseFields): void {
    this.#handler.onComplete?.(rawOf(trailers))
  }

  onResponseError(_controller: DispatchController, error: Error): void {
    this.#handler.onError?.(error)
  }
}

/** An interceptor may have changed the object, so it takes precedence over the raw fields. */
function rawOf(fields: ResponseFields): Buffer[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((line) => [Buffer.from(name, 'latin1'), Buffer.from(line, 'utf8')]),
  )
}
