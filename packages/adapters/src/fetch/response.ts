/**
 * A `Response` for one answer: `instanceof Response`, and nothing of it is made before it is asked for. The platform's constructor
 * with a stream costs more than the whole request; its prototype costs nothing.
 */

import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { type ConnectionInfo, Fields, type HttpResponse } from '@unshard/core'
import { decode, parseCodings } from './decode.js'
import { toFetchError } from './errors.js'
import { ResponseHeaders } from './headers.js'

/** Fetch standard §2.2.3: statuses whose responses have no body. */
const NULL_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304])

/** What {@link FetchResponse} is built from. */
export interface FetchResponseParts {
  readonly response: HttpResponse
  readonly url: string
  readonly redirected: boolean
  readonly head: boolean
}

/** The response of `fetch`: the platform's, and what only this client can tell. */
export interface FetchResponse extends Response {
  /** Which connection carried it, and why that one. */
  readonly connection: ConnectionInfo
  /** Trailers, once the whole content has arrived; `undefined` before. */
  readonly trailers: Headers | undefined
  /** The content in memory of its own. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>
}

/** A {@link FetchResponse}, made of what the client answered. */
export class LazyResponse {
  readonly #parts: FetchResponseParts
  #headers: ResponseHeaders | undefined
  /** Made when asked for; from then on the only way to the content. */
  #stream: ReadableStream<Uint8Array> | null | undefined
  #used = false

  constructor(parts: FetchResponseParts, stream?: ReadableStream<Uint8Array> | null) {
    this.#parts = parts
    this.#stream = stream
  }

  get status(): number {
    return this.#parts.response.status
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299
  }

  /** HTTP/2 has none (RFC 9113 §8.3.2), and HTTP/1.1's carries no meaning. */
  get statusText(): string {
    return ''
  }

  get type(): Response['type'] {
    return 'basic'
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
    this.#headers ??= new ResponseHeaders(this.#parts.response.headers)
    return this.#headers as unknown as Headers
  }

  /** Which connection carried it, and why that one. Not part of Fetch. */
  get connection(): ConnectionInfo {
    return this.#parts.response.connection
  }

  /** Trailers, once the content has been read to its end. Not part of Fetch. */
  get trailers(): Headers | undefined {
    const { trailers } = this.#parts.response
    return trailers === undefined ? undefined : (new ResponseHeaders(new Fields(trailers.list)) as unknown as Headers)
  }

  get bodyUsed(): boolean {
    return this.#used || isDisturbed(this.#stream)
  }

  get body(): ReadableStream<Uint8Array> | null {
    // Once the content was taken as text or bytes there is nothing left to stream.
    if (this.#stream === undefined) this.#stream = this.#hasBody ? (this.#used ? emptyStream() : this.#makeStream()) : null
    return this.#stream
  }

  text(): Promise<string> {
    if (!this.#plain) return this.#bytes().then((bytes) => new TextDecoder().decode(bytes))
    this.#used = true
    return this.#parts.response.text().catch(rethrow)
  }

  json(): Promise<unknown> {
    return this.text().then(JSON.parse)
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#bytes()
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes().then((bytes) => bytes.buffer as ArrayBuffer)
  }

  blob(): Promise<Blob> {
    const type = this.headers.get('content-type') ?? ''
    return this.#bytes().then((bytes) => new Blob([bytes as Uint8Array<ArrayBuffer>], { type }))
  }

  formData(): Promise<FormData> {
    const type = this.headers.get('content-type') ?? ''
    return this.#bytes().then((bytes) => new Response(bytes, { headers: { 'content-type': type } }).formData())
  }

  /** @throws TypeError once the body is used or locked. */
  clone(): Response {
    if (this.bodyUsed || this.#stream?.locked === true) throw new TypeError('a response whose body is used cannot be cloned')
    const { body } = this
    if (body === null) return new LazyResponse(this.#parts, null) as unknown as Response
    const [mine, theirs] = body.tee()
    this.#stream = mine
    return new LazyResponse(this.#parts, theirs) as unknown as Response
  }

  /** Whether the content can be taken straight from the client: as it was sent, and by no stream. */
  get #plain(): boolean {
    return this.#stream === undefined && !this.#used && this.#hasBody && !this.#parts.response.headers.has('content-encoding')
  }

  get #hasBody(): boolean {
    return !this.#parts.head && !NULL_BODY.has(this.status)
  }

  async #bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#plain) {
      this.#used = true
      return this.#parts.response.bytes().catch(rethrow) as Promise<Uint8Array<ArrayBuffer>>
    }
    if (this.bodyUsed || this.#stream?.locked === true) throw new TypeError('the body was read before, or somebody reads it')
    const { body } = this
    if (body === null) return new Uint8Array(0)
    return new Uint8Array(await new Response(body).arrayBuffer())
  }

  #makeStream(): ReadableStream<Uint8Array> {
    let iterator: AsyncIterator<Uint8Array> | undefined
    return new ReadableStream({
      type: 'bytes',
      pull: async (controller) => {
        try {
          iterator ??= this.#decoded()
          const { done, value } = await iterator.next()
          if (done !== true) return controller.enqueue(Uint8Array.from(value))
          controller.close()
          controller.byobRequest?.respond(0)
        } catch (error) {
          // Where it was not the content that failed, but its codings.
          this.#parts.response.discard(error)
          controller.error(toFetchError(error))
        }
      },
      cancel: async (reason) => {
        // First: a decoder that waits for the next part hears of the end only through it.
        this.#parts.response.discard(reason)
        await iterator?.return?.()
      },
    }) as ReadableStream<Uint8Array>
  }

  #decoded(): AsyncIterator<Uint8Array> {
    const { response } = this.#parts
    const codings = parseCodings(response.headers.get('content-encoding'))
    return codings.length === 0 ? response.body : decode(response.body, codings)
  }
}

Object.setPrototypeOf(LazyResponse.prototype, Response.prototype)
// For `console.log`: the platform's own method would look for the platform's own slots.
Object.defineProperty(LazyResponse.prototype, inspect.custom, {
  value(this: LazyResponse): object {
    const { status, ok, url, redirected, bodyUsed, headers } = this
    return { status, ok, url, redirected, bodyUsed, headers }
  },
})

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() }) as ReadableStream<Uint8Array>
}

function rethrow(error: unknown): never {
  throw toFetchError(error)
}

function isDisturbed(stream: ReadableStream | null | undefined): boolean {
  return stream !== undefined && stream !== null && Readable.isDisturbed(stream as unknown as Readable)
}
