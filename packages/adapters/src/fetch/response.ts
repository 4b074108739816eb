/**
 * A `Response` for one answer: `instanceof Response`, and nothing of it is made before it is asked for. The platform's constructor
 * with a stream costs more than the whole request.
 */

import { type InspectOptions, inspect } from 'node:util'
import type { ConnectionInfo } from '@unshard/core'
import { abortReason } from '@unshard/core/internal'
import type { Part } from '../multipart/index.js'
import type { Answer } from './answer.js'
import { standInFor } from './brands.js'
import { toHeaders } from './headers.js'
import { extractMimeType, serializeMimeType } from './mime-type.js'
import { type ContentOptions, ResponseContent } from './response-content.js'

/** Fetch standard §2.2.3: statuses whose responses have no body. */
const NULL_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304])

/** Whether there is a body, be it empty. */
export function mayHaveBody(method: string, status: number): boolean {
  return method !== 'HEAD' && !NULL_BODY.has(status)
}

/** What {@link FetchResponse} is built from. */
export interface FetchResponseParts {
  readonly answer: Answer
  readonly url: string
  readonly redirected: boolean
  readonly head: boolean
  /** Fetch standard §2.2.6, "opaque-redirect filtered response": what a page may know of it. */
  readonly opaqueRedirect?: boolean
  readonly options: ContentOptions
}

/** The response of `fetch`: the platform's, and what only this client can tell. */
export interface FetchResponse extends Response {
  /** Which connection carried it, and why that one; `undefined` for `data:` and `blob:` URLs. */
  readonly connection: ConnectionInfo | undefined
  /** Trailers, once the whole content has arrived; `undefined` before. */
  readonly trailers: Headers | undefined
  /** The content in memory of its own. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  /**
   * The parts of `multipart/…` content, one after the other as they arrive (docs/guides/server-sent-events.md).
   * @throws ResponseError `ERR_MULTIPART` where it is none, or is cut off.
   */
  multipart(): AsyncGenerator<Part, void>
}

/** A {@link FetchResponse}, made of what the client answered. */
export class LazyResponse {
  readonly #parts: FetchResponseParts
  #headers: Headers | undefined
  #content: ResponseContent | undefined

  constructor(parts: FetchResponseParts, content?: ResponseContent) {
    this.#parts = parts
    this.#content = content
    // Content that is still to come is looked after; what has come with its fields, as most of it does, is only memory.
    if (content === undefined && !parts.answer.complete) this.#reader()?.watch()
  }

  get status(): number {
    return this.#parts.answer.status
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299
  }

  /** HTTP/1.1's reason phrase; HTTP/2 has none (RFC 9113 §8.3.2). */
  get statusText(): string {
    return this.#parts.answer.statusText
  }

  get type(): Response['type'] {
    return this.#parts.opaqueRedirect === true ? 'opaqueredirect' : 'basic'
  }

  get redirected(): boolean {
    return this.#parts.redirected
  }

  /** Without fragment (Fetch standard §5.5). */
  get url(): string {
    const url = new URL(this.#parts.url)
    url.hash = ''
    return url.href
  }

  get headers(): Headers {
    this.#headers ??= toHeaders(this.#parts.answer.headers)
    return this.#headers
  }

  /** Which connection carried it, and why that one. Not part of Fetch. */
  get connection(): ConnectionInfo | undefined {
    return this.#parts.answer.connection
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

  /** The platform parses it. */
  formData(): Promise<FormData> {
    const type = this.#type()
    const parse = (bytes: Uint8Array<ArrayBuffer>): Promise<FormData> =>
      new Response(bytes, { headers: { 'content-type': type } }).formData()
    return this.#refusal() ?? this.bytes().then(parse)
  }

  /** The parts of `multipart/…` content. Not part of Fetch. */
  async *multipart(): AsyncGenerator<Part, void> {
    const { multipart } = await import('../multipart/multipart.js')
    yield* multipart(this as unknown as Response)
  }

  /** @throws TypeError once the body is used or locked. */
  clone(): Response {
    const content = this.#reader()
    if (content?.taken === true) throw new TypeError('a response whose body is used cannot be cloned')
    return new LazyResponse(this.#parts, content?.tee()) as unknown as Response
  }

  get [Symbol.toStringTag](): string {
    return 'Response'
  }

  /** Fetch standard §5.3: the media type of the content as it is parsed and serialized; empty where it is none. */
  #type(): string {
    const type = extractMimeType(this.#parts.answer.headers.get('content-type'))
    return type === undefined ? '' : serializeMimeType(type)
  }

  /** What was aborted is known to be so before the next microtask. */
  #refusal(): Promise<never> | undefined {
    const { signal } = this.#parts.options
    return signal?.aborted === true ? Promise.reject(abortReason(signal)) : undefined
  }

  /** `undefined` where there is no body. */
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
  // For `console.log`: the platform's own method would look for the platform's own slots.
  [inspect.custom]: {
    value(this: LazyResponse, _depth: number, options: InspectOptions): string {
      const { status, statusText, headers, bodyUsed, ok, redirected, type, url } = this
      return `Response ${inspect({ status, statusText, headers, bodyUsed, ok, redirected, type, url }, options)}`
    },
  },
})

function parseJson(text: string): unknown {
  return JSON.parse(text)
}
