/** undici's functions on a dispatcher: `request`, `stream`, `pipeline`, `connect` and `upgrade`, over `dispatch` alone. */

import { Duplex, PassThrough, Readable, type Writable } from 'node:stream'
import { pipeline as join } from 'node:stream/promises'
import type { ControllerHandler, DispatchController, Dispatching, DispatchOptions, ResponseFields } from './contract.js'
import { invalidArgument, requestAborted } from './errors.js'

/** What `request` and the others take beyond a dispatch. */
export interface CallOptions extends Omit<DispatchOptions, 'method'> {
  readonly method?: string | undefined
  readonly signal?: AbortSignal | null | undefined
  readonly opaque?: unknown
  readonly onInfo?: ((info: { statusCode: number; headers: ResponseFields }) => void) | undefined
  readonly protocol?: string | undefined
}

/** The content of a response: a stream, with methods that read it whole. */
export interface ResponseBody extends Readable {
  readonly bodyUsed: boolean
  text(): Promise<string>
  json(): Promise<unknown>
  blob(): Promise<Blob>
  bytes(): Promise<Uint8Array>
  arrayBuffer(): Promise<ArrayBuffer>
  formData(): Promise<never>
  /** Reads and drops what is left, so that the connection may be used again. */
  dump(options?: { limit?: number; signal?: AbortSignal }): Promise<void>
}

/** What `request` resolves with. */
export interface ResponseData {
  statusCode: number
  statusText: string
  headers: ResponseFields
  body: ResponseBody
  trailers: Record<string, string>
  opaque: unknown
  context: object
}

/** Content is written here as it comes, at the pace of its reader. */
class Content extends Readable implements ResponseBody {
  readonly #controller: DispatchController
  #over = false

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

  /** As in undici: not for this kind of body. */
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

type OnResponse = (content: Content, status: number, headers: ResponseFields, statusText: string) => void

/** One call: settles once, with the response or with the error that ended it. */
class Call implements ControllerHandler {
  readonly #options: CallOptions
  readonly #onResponse: OnResponse
  readonly #onError: (error: Error) => void
  readonly trailers: Record<string, string> = {}
  #controller: DispatchController | undefined
  #content: Content | undefined
  readonly #abort = (): void => this.#controller?.abort(this.#options.signal?.reason ?? requestAborted())

  constructor(options: CallOptions, onResponse: OnResponse, onError: (error: Error) => void) {
    this.#options = options
    this.#onResponse = onResponse
    this.#onError = onError
  }

  onRequestStart(controller: DispatchController): void {
    this.#controller = controller
    const { signal } = this.#options
    if (signal?.aborted === true) return controller.abort(signal.reason)
    signal?.addEventListener('abort', this.#abort, { once: true })
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
    this.#options.signal?.removeEventListener('abort', this.#abort)
  }
}

/** Sends a request, and resolves with its response when its fields are here. */
export function request(dispatcher: Dispatching, options: CallOptions): Promise<ResponseData> {
  return new Promise((resolve, reject) => {
    const call: Call = new Call(
      checked(options),
      (body, statusCode, headers, statusText) => {
        const { opaque = null } = options
        // A body that is not read, and breaks off, must not end the process.
        body.on('error', () => undefined)
        resolve({ statusCode, statusText, headers, body, trailers: call.trailers, opaque, context: {} })
      },
      reject,
    )
    dispatcher.dispatch({ ...options, method: options.method ?? 'GET' }, call)
  })
}

type StreamFactory = (data: { statusCode: number; headers: ResponseFields; opaque: unknown; context: object }) => Writable

/** The same into a stream that `factory` makes. Resolves when all of it is there. */
export async function stream(
  dispatcher: Dispatching,
  options: CallOptions,
  factory: StreamFactory,
): Promise<{ opaque: unknown; trailers: Record<string, string> }> {
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

type PipelineHandler = (data: {
  statusCode: number
  headers: ResponseFields
  opaque: unknown
  body: Readable
  context: object
}) => Readable

/** A duplex stream: what is written is the content of the request, what is read is what `handler` returns. */
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

/** What `connect` and `upgrade` resolve with. */
export interface UpgradeData {
  statusCode: number
  headers: ResponseFields
  socket: Duplex
  opaque: unknown
}

/** A tunnel, or another protocol: only a fallback dispatcher has them. */
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
  const { signal } = options
  if (signal && typeof signal.addEventListener !== 'function')
    throw invalidArgument('signal must be an EventEmitter or EventTarget')
  return options
}
