/**
 * A `Response` that passes `instanceof Response` and creates its parts on demand. The platform's
 * constructor with a stream costs more than the whole request.
 */

import { type InspectOptions, inspect } from 'node:util'
import type { ConnectionInfo, Timings } from '@unshard/core'
import { abortReason } from '@unshard/core/internal'
import type { Part } from '../multipart/index.js'
import type { Answer } from './answer.js'
import { standInFor } from './brands.js'
import { toHeaders } from './headers.js'
import { extractMimeType, serializeMimeType } from './mime-type.js'
import { type ContentOptions, ResponseContent } from './response-content.js'

/** Statuses whose responses have no body (Fetch standard §2.2.3). */
const NULL_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304])

/** Whether a body is possible, even if empty. */
export function mayHaveBody(method: string, status: number): boolean {
  return method !== 'HEAD' && !NULL_BODY.has(status)
}

/** Input of {@link FetchResponse}. */
export interface FetchResponseParts {
  readonly answer: Answer
  readonly url: string
  readonly redirected: boolean
  readonly head: boolean
  /**
   * Fetch standard §2.2.6, "opaque-redirect filtered response": the page sees neither status nor
   * headers.
   */
  readonly opaqueRedirect?: boolean
  readonly options: ContentOptions
  /** Whether a response without a reason phrase of its own has the registered one. */
  readonly registeredStatusText?: boolean | undefined
}

/** The response of `fetch`: the platform's, plus members of this client. */
export interface FetchResponse extends Response {
  /**
   * Connection of the response and the reason it was chosen; `undefined` for `data:` and `blob:`
   * URLs.
   */
  readonly connection: ConnectionInfo | undefined
  /**
   * When the request was sent and answered, after redirects the last one; `undefined` for `data:` and
   * `blob:` URLs.
   */
  readonly timings: Timings | undefined
  /** Bytes of content received so far, before decoding. */
  readonly receivedBytes: number
  /** Trailers, once the whole content has arrived; `undefined` before that. */
  readonly trailers: Headers | undefined
  /** Reads the content into memory that nothing else refers to. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Iterates over the parts of `multipart/…` content as they arrive (docs/guides/server-sent-events.md).
   * @throws ResponseError `ERR_MULTIPART` if it is not multipart or is truncated.
   */
  multipart(): AsyncGenerator<Part, void>
}

/** A {@link FetchResponse} over the client's response. */
export class LazyResponse {
  readonly #parts: FetchResponseParts
  #headers: Headers | undefined
  #content: ResponseContent | undefined

  constructor(parts: FetchResponseParts, content?: ResponseContent) {
    this.#parts = parts
    this.#content = content
    // Watch only content that is still incomplete: content that arrived with its headers, as most
    // does, holds nothing but memory.
    if (content === undefined && !parts.answer.complete) this.#reader()?.watch()
  }

  get status(): number {
    return this.#parts.answer.status
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299
  }

  /** HTTP/1.1 reason phrase; HTTP/2 has none (RFC 9113 §8.3.2). */
  get statusText(): string {
    const { answer, registeredStatusText } = this.#parts
    // Over HTTP/1.1 even an empty phrase is the server's own.
    const isOwn = registeredStatusText !== true || answer.statusText !== '' || answer.connection?.protocol !== 'h2'
    return isOwn ? answer.statusText : registeredPhrase(answer.status)
  }

  get type(): Response['type'] {
    return this.#parts.opaqueRedirect === true ? 'opaqueredirect' : 'basic'
  }

  get redirected(): boolean {
    return this.#parts.redirected
  }

  /** URL without fragment (Fetch standard §5.5). */
  get url(): string {
    const url = new URL(this.#parts.url)
    url.hash = ''
    return url.href
  }

  get headers(): Headers {
    this.#headers ??= toHeaders(this.#parts.answer.headers)
    return this.#headers
  }

  /** Connection of the response and the reason it was chosen. Not part of Fetch. */
  get connection(): ConnectionInfo | undefined {
    return this.#parts.answer.connection
  }

  /** Not part of Fetch. */
  get timings(): Timings | undefined {
    return this.#parts.answer.timings
  }

  /** Not part of Fetch. */
  get receivedBytes(): number {
    return this.#parts.answer.receivedBytes ?? 0
  }

  /** Trailers, once the content has been read to its end. Not part of Fetch. */
  get trailers(): Headers | undefined {
    const { trailers } = this.#parts.answer
    return trailers === undefined ? undefined : toHeaders(trailers)
  }

  get bodyUsed(): boolean {
    return this.#content?.used === true
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#reader()?.stream ?? null
  }

  text(): Promise<string> {
    return this.#refusal() ?? this.#reader()?.text() ?? Promise.resolve('')
  }

  json(): Promise<unknown> {
    return this.#refusal() ?? this.text().then(parseJson)
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#refusal() ?? this.#reader()?.bytes() ?? Promise.resolve(new Uint8Array(0))
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#refusal() ?? this.bytes().then((bytes) => bytes.buffer)
  }

  blob(): Promise<Blob> {
    const type = this.#type()
    return this.#refusal() ?? this.bytes().then((bytes) => new Blob([bytes], { type }))
  }

  /** Parsed by the platform. */
  formData(): Promise<FormData> {
    const type = this.#type()
    const parse = (bytes: Uint8Array<ArrayBuffer>): Promise<FormData> =>
      new Response(bytes, { headers: { 'content-type': type } }).formData()
    return this.#refusal() ?? this.bytes().then(parse)
  }

  /** Iterates over the parts of `multipart/…` content. Not part of Fetch. */
  async *multipart(): AsyncGenerator<Part, void> {
    const { multipart } = await import('../multipart/multipart.js')
    yield* multipart(this as unknown as Response)
  }

  /** @throws TypeError if the body is used or locked. */
  clone(): Response {
    const content = this.#reader()
    if (content?.taken === true) throw new TypeError('cannot clone a response whose body is used or locked')
    return new LazyResponse(this.#parts, content?.tee()) as unknown as Response
  }

  get [Symbol.toStringTag](): string {
    return 'Response'
  }

  /** Fetch standard §5.3: media type of the content, parsed and serialized; empty if invalid. */
  #type(): string {
    const type = extractMimeType(this.#parts.answer.headers.get('content-type'))
    return type === undefined ? '' : serializeMimeType(type)
  }

  /** Reject synchronously if the signal is already aborted. */
  #refusal(): Promise<never> | undefined {
    const { signal } = this.#parts.options
    return signal?.aborted === true ? Promise.reject(abortReason(signal)) : undefined
  }

  /** Returns the reader of the body; `undefined` for a response without body. */
  #reader(): ResponseContent | undefined {
    if (this.#content === undefined && !this.#parts.head && !NULL_BODY.has(this.status)) {
      this.#content = new ResponseContent(this.#parts.answer, this.#parts.options)
    }
    return this.#content
  }
}

Object.setPrototypeOf(LazyResponse.prototype, standInFor('Response'))
Object.defineProperties(LazyResponse.prototype, {
  constructor: { get: () => globalThis.Response },
  // For `console.log`: the platform's own method requires the platform's internal slots.
  [inspect.custom]: {
    value(this: LazyResponse, _depth: number, options: InspectOptions): string {
      const { status, statusText, headers, bodyUsed, ok, redirected, type, url } = this
      return `Response ${inspect({ status, statusText, headers, bodyUsed, ok, redirected, type, url }, options)}`
    },
  },
})

/** Loads `node:http` with the first phrase that is read. */
function registeredPhrase(status: number): string {
  return process.getBuiltinModule('node:http').STATUS_CODES[status] ?? ''
}

function parseJson(text: string): unknown {
  return JSON.parse(text)
}
