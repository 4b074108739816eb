/**
 * undici's functions `request`, `stream`, `pipeline`, `connect` and `upgrade`, implemented with
 * `dispatch` alone.
 */

import { Duplex, PassThrough, Readable, type Writable } from 'node:stream'
import { pipeline as join } from 'node:stream/promises'
import type { ControllerHandler, DispatchController, Dispatching, DispatchOptions, ResponseFields } from './contract.js'
import { invalidArgument, requestAborted } from './errors.js'

/** A value passed with the call and returned with its data. */
// biome-ignore lint/suspicious/noExplicitAny: any type, chosen by the caller as in undici.
type Opaque = any

/** Options of `request` and the others: those of a dispatch plus their own. */
export interface CallOptions extends Omit<DispatchOptions, 'method'> {
  readonly method?: string | undefined
  /** An `AbortSignal`, or an emitter of `abort` as in undici. */
  readonly signal?: unknown
  readonly opaque?: Opaque
  readonly onInfo?: ((info: { statusCode: number; headers: ResponseFields }) => void) | undefined
  readonly protocol?: string | undefined
}

/** Response content: a stream with methods that read it whole. */
export interface ResponseBody extends Readable {
  /** The same content as a web stream, typed `never` by undici. */
  readonly body: never
  readonly bodyUsed: boolean
  text(): Promise<string>
  json(): Promise<unknown>
  blob(): Promise<Blob>
  bytes(): Promise<Uint8Array>
  arrayBuffer(): Promise<ArrayBuffer>
  formData(): Promise<never>
  /** Reads and drops the rest, so that the connection can be reused. */
  dump(options?: { limit?: number; signal?: AbortSignal }): Promise<void>
}

/** Result of `request`. */
export interface ResponseData {
  statusCode: number
  statusText: string
  headers: ResponseFields
  body: ResponseBody
  trailers: Record<string, string>
  opaque: Opaque
  context: object
}

/** Receives content as it arrives, at the pace of its reader. */
class Content extends Readable implements ResponseBody {
  readonly #controller: DispatchController
  #over = false
  #web: ReadableStream | undefined

  constructor(controller: DispatchController) {
    super({ highWaterMark: 65_536 })
    this.#controller = controller
  }

  /** Ends the content. */
  over(): void {
    this.#over = true
    this.push(null)
  }

  override _read(): void {
    this.#controller.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#over) this.#controller.abort(error ?? requestAborted())
    callback(error)
  }

  get body(): never {
    this.#web ??= Readable.toWeb(this) as ReadableStream
    return this.#web as never
  }

  get bodyUsed(): boolean {
    return this.readableDidRead || this.destroyed
  }

  async bytes(): Promise<Uint8Array> {
    if (this.bodyUsed) throw new TypeError('Body is unusable')
    const parts: Buffer[] = []
    for await (const part of this) parts.push(part as Buffer)
    return new Uint8Array(Buffer.concat(parts))
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes())
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text()) as unknown
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer as ArrayBuffer
  }

  async blob(): Promise<Blob> {
    return new Blob([(await this.bytes()) as Uint8Array<ArrayBuffer>])
  }

  /** As in undici: not supported for this kind of body. */
  formData(): Promise<never> {
    return Promise.reject(invalidArgument('formData() is not supported here: use fetch'))
  }

  async dump({ limit = 131_072 }: { limit?: number } = {}): Promise<void> {
    let left = limit
    this.on('error', () => undefined)
    for await (const part of this) {
      left -= (part as Buffer).length
      if (left < 0) break
    }
  }
}

/** An `EventTarget` or an emitter: each has one of each pair of methods. */
interface Signal {
  readonly aborted?: boolean
  readonly reason?: unknown
  addEventListener?(name: 'abort', listener: () => void): void
  removeEventListener?(name: 'abort', listener: () => void): void
  on?(name: 'abort', listener: () => void): void
  off?(name: 'abort', listener: () => void): void
}

type OnResponse = (content: Content, status: number, headers: ResponseFields, statusText: string) => void

/** One call: settles once, with the response or with an error. */
class Call implements ControllerHandler {
  readonly #options: CallOptions
  readonly #onResponse: OnResponse
  readonly #onError: (error: Error) => void
  readonly trailers: Record<string, string> = {}
  #controller: DispatchController | undefined
  #content: Content | undefined
  readonly #signal: Signal | undefined
  readonly #abort = (): void => this.#controller?.abort(this.#signal?.reason ?? requestAborted())

  constructor(options: CallOptions, onResponse: OnResponse, onError: (error: Error) => void) {
    this.#options = options
    this.#signal = (options.signal as Signal | null | undefined) ?? undefined
    this.#onResponse = onResponse
    this.#onError = onError
  }

  onRequestStart(controller: DispatchController): void {
    this.#controller = controller
    const signal = this.#signal
    if (signal?.aborted === true) return this.#abort()
    if (signal?.addEventListener === undefined) signal?.on?.('abort', this.#abort)
    else signal.addEventListener('abort', this.#abort)
  }

  onResponseStart(controller: DispatchController, statusCode: number, headers: ResponseFields, statusText = ''): void {
    if (statusCode < 200) return this.#options.onInfo?.({ statusCode, headers })
    this.#content = new Content(controller)
    this.#onResponse(this.#content, statusCode, headers, statusText)
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    if (!this.#content!.push(chunk)) controller.pause()
  }

  onResponseEnd(_controller: DispatchController, trailers: ResponseFields): void {
    this.#leave()
    Object.assign(this.trailers, trailers)
    this.#content!.over()
  }

  onResponseError(_controller: DispatchController, error: Error): void {
    this.#leave()
    if (this.#content === undefined) this.#onError(error)
    else this.#content.destroy(error)
  }

  #leave(): void {
    const signal = this.#signal
    if (signal?.removeEventListener === undefined) signal?.off?.('abort', this.#abort)
    else signal.removeEventListener('abort', this.#abort)
  }
}

/** Sends a request and resolves with its response when its headers arrive. */
export function request(dispatcher: Dispatching, options: CallOptions): Promise<ResponseData> {
  return new Promise((resolve, reject) => {
    const call: Call = new Call(
      checked(options),
      (body, statusCode, headers, statusText) => {
        const { opaque = null } = options
        // An unread body that is cut off must not end the process.
        body.on('error', () => undefined)
        resolve({ statusCode, statusText, headers, body, trailers: call.trailers, opaque, context: {} })
      },
      reject,
    )
    dispatcher.dispatch({ ...options, method: options.method ?? 'GET' }, call)
  })
}

/** Creates the stream that receives the response content. */
export type StreamFactory = (data: { statusCode: number; headers: ResponseFields; opaque: Opaque; context: object }) => Writable

/** Data of a response whose content was written into a stream. */
export interface StreamData {
  opaque: Opaque
  trailers: Record<string, string>
}

/**
 * Sends a request and writes the response content into the stream that `factory` creates. Resolves
 * when all of it is written.
 */
export async function stream(dispatcher: Dispatching, options: CallOptions, factory: StreamFactory): Promise<StreamData> {
  if (typeof factory !== 'function') throw invalidArgument('invalid factory')
  const { body, statusCode, headers, opaque, context, trailers } = await request(dispatcher, options)
  let target: Writable
  try {
    target = factory({ statusCode, headers, opaque, context })
  } catch (error) {
    body.destroy(error as Error)
    throw error
  }
  await join(body, target)
  return { opaque, trailers }
}

/** Takes a response and returns the stream to read instead of it. */
export type PipelineHandler = (data: {
  statusCode: number
  headers: ResponseFields
  opaque: Opaque
  body: ResponseBody
  context: object
}) => Readable

/**
 * Sends the content written to the stream; reading it returns the content of the stream that
 * `handler` returns.
 */
export function pipeline(dispatcher: Dispatching, options: CallOptions, handler: PipelineHandler): Duplex {
  if (typeof handler !== 'function') throw invalidArgument('invalid handler')
  const content = new PassThrough()
  const answer = new PassThrough()
  request(dispatcher, { ...options, body: content })
    .then(({ statusCode, headers, opaque, body, context }) =>
      join(handler({ statusCode, headers, opaque, body, context }), answer),
    )
    .catch((error: Error) => duplex.destroy(error))
  const duplex = Duplex.from({ writable: content, readable: answer })
  return duplex
}

/** Called with the error or the data, instead of a promise. */
export type DataCallback<T> = (error: Error | null, data: T) => void

/** Data of a tunnel or of an upgraded connection. */
export interface UpgradeData {
  statusCode: number
  headers: ResponseFields
  socket: Duplex
  opaque: Opaque
}

/** Requests another protocol; or a tunnel, which only a fallback dispatcher supports. */
export function upgrade(dispatcher: Dispatching, options: CallOptions, dispatch: Partial<DispatchOptions>): Promise<UpgradeData> {
  return new Promise((resolve, reject) => {
    const call = new Call(
      checked(options),
      (body, statusCode) => {
        body.destroy()
        reject(invalidArgument(`bad upgrade: status ${statusCode}`))
      },
      reject,
    )
    const onRequestUpgrade: ControllerHandler['onRequestUpgrade'] = (_controller, statusCode, headers, socket) =>
      resolve({ statusCode, headers, socket: socket as Duplex, opaque: options.opaque ?? null })
    dispatcher.dispatch({ ...options, method: options.method ?? 'GET', ...dispatch }, Object.assign(call, { onRequestUpgrade }))
  })
}

/** @throws DispatchError `UND_ERR_INVALID_ARG`. */
function checked(options: CallOptions): CallOptions {
  if (typeof options !== 'object' || options === null) throw invalidArgument('invalid opts')
  const signal = (options.signal ?? {}) as Signal
  if (options.signal && typeof signal.addEventListener !== 'function' && typeof signal.on !== 'function')
    throw invalidArgument('signal must be an EventEmitter or EventTarget')
  return options
}
