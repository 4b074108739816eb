/**
 * One request as a stream in both directions: writes are the request's content, reads the
 * response's. Full duplex over HTTP/2.
 */

import { Duplex } from 'node:stream'
import { type Client, type HttpResponse, type RequestOptions, UsageError } from '@unshard/core'
import { Cancellation } from './cancellation.js'
import { ContentHandoff } from './content-handoff.js'
import { transferOptions, WITHOUT_BODY } from './options.js'

/** A request and its response as one Node stream. */
export interface RequestDuplex {
  /** Writes the request's content, reads the response's. Destroying it resets the HTTP stream. */
  readonly duplex: Duplex
  /**
   * Resolves with the response as soon as its headers arrive. Read its body through the duplex
   * only.
   */
  readonly response: Promise<HttpResponse>
}

/** A request and its response as web streams. */
export interface WebRequestDuplex {
  /** Response content, a byte stream. Cancelling it resets the HTTP stream and so the request. */
  readonly readable: ReadableStream<Uint8Array>
  /** Request content. Aborting it resets the HTTP stream and so the response. */
  readonly writable: WritableStream<Uint8Array | string>
  /**
   * Resolves with the response as soon as its headers arrive. Read its body through `readable`
   * only.
   */
  readonly response: Promise<HttpResponse>
}

/**
 * Opens a request whose content is written to a stream. Default method `POST`. The response is read
 * from the same stream, even while content is still being written (RFC 9113 §8.1). A write waits
 * for the peer's flow control; an unread response holds the peer back. Content written after the
 * peer refuses more is dropped, so that its response can still be read. A failing request destroys
 * the stream with its error.
 * @param options as for `client.request`, without `body`.
 * @throws UsageError `ERR_UNKNOWN_OPTION`; any other invalid option rejects `response`.
 */
export function openDuplex(client: Client, options: Omit<RequestOptions, 'body'>): RequestDuplex {
  return openStream(client, transferOptions(options, WITHOUT_BODY, 'openDuplex()'))
}

/** As {@link openDuplex}, for options that are checked. */
export function openStream(client: Client, options: Omit<RequestOptions, 'body'>): RequestDuplex {
  const request = openRequest(client, options)
  return { duplex: duplexOf(request), response: request.response }
}

/** Returns the stream of a request. */
export function duplexOf({ content, cancellation, response }: OpenRequest): Duplex {
  return new RequestStream(content, cancellation, response)
}

/**
 * Like {@link openDuplex} with web streams, without a Node stream in between. A failing request
 * errors both streams.
 * @param options as for `client.request`, without `body`.
 * @throws UsageError `ERR_UNKNOWN_OPTION`; any other invalid option rejects `response`.
 */
export function openWebDuplex(client: Client, options: Omit<RequestOptions, 'body'>): WebRequestDuplex {
  const { content, cancellation, response } = openRequest(client, transferOptions(options, WITHOUT_BODY, 'openWebDuplex()'))
  const parts = response.then((answer) => answer.body)
  let failWriter!: (error: unknown) => void
  const failBoth = (error: unknown): never => {
    failWriter(error)
    throw error
  }
  const readable = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const { done, value } = await (await parts).next().catch(failBoth)
      // The stream transfers the buffer: each part has its own.
      if (done !== true) return controller.enqueue(value)
      controller.close()
      controller.byobRequest?.respond(0)
    },
    cancel: (reason) => cancellation.cancel(reason ?? cancelled()),
  })
  const writable = new WritableStream<Uint8Array | string>({
    start(controller) {
      failWriter = (error) => controller.error(error)
      parts.catch(failWriter)
    },
    write: (chunk) => new Promise((resolve) => content.write(toBytes(chunk), resolve)),
    close: () => new Promise((resolve) => content.end(resolve)),
    abort: (reason) => cancellation.cancel(reason ?? cancelled()),
  })
  return { readable: readable as ReadableStream<Uint8Array>, writable, response }
}

/** A request whose content is not written yet. */
export interface OpenRequest {
  readonly content: ContentHandoff
  readonly cancellation: Cancellation
  readonly response: Promise<HttpResponse>
}

/** Starts a request with content that is written later. */
export function openRequest(client: Client, options: Omit<RequestOptions, 'body'>): OpenRequest {
  const content = new ContentHandoff()
  const cancellation = new Cancellation(options.signal)
  const response = client.request({ method: 'POST', ...options, body: content, signal: cancellation.signal })
  // A caller that uses `response` handles its failure; everyone else gets it from the streams.
  response.catch(() => content.abandon())
  return { content, cancellation, response }
}

/** Reads directly from the response's body and writes directly into the request's content. */
class RequestStream extends Duplex {
  readonly #content: ContentHandoff
  readonly #cancellation: Cancellation
  #parts: AsyncIterator<Uint8Array> | undefined
  #wanted = false

  constructor(content: ContentHandoff, cancellation: Cancellation, response: Promise<HttpResponse>) {
    super()
    this.#content = content
    this.#cancellation = cancellation
    // A peer that refuses more content has sent a response: start reading it now.
    content.onUnwanted = () => void this.read(0)
    response.then(
      (answer) => this.#attach(answer),
      (error: Error) => this.destroy(error),
    )
  }

  override _write(chunk: Uint8Array, _encoding: string, taken: () => void): void {
    this.#content.write(chunk, taken)
  }

  override _final(taken: () => void): void {
    this.#content.end(taken)
  }

  override _read(): void {
    this.#wanted = true
    if (this.#parts !== undefined) this.#take(this.#parts)
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    // At the natural end content may still wait for the peer's window: it is sent.
    if (error !== null || !this.readableEnded || !this.writableFinished) this.#cancellation.cancel(error ?? cancelled())
    this.#content.abandon()
    callback(error)
  }

  #attach(response: HttpResponse): void {
    if (this.destroyed) return
    this.#parts = response.body
    if (this.#wanted) this.#take(this.#parts)
  }

  /** Takes one part per `_read`: Node calls it again when there is room. */
  #take(parts: AsyncIterator<Uint8Array>): void {
    this.#wanted = false
    parts.next().then(
      ({ done, value }) => this.push(done === true ? null : value),
      (error: Error) => this.destroy(error),
    )
  }
}

function toBytes(chunk: Uint8Array | string): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk)
  if (chunk instanceof Uint8Array) return chunk
  throw new UsageError('ERR_INVALID_BODY', `content must be bytes or text, not ${chunk === null ? 'null' : typeof chunk}`)
}

function cancelled(): UsageError {
  return new UsageError('ERR_BODY_CANCELLED', 'the stream was destroyed before its end')
}
