/** One request as a stream both ways: what is written is the request's content, what is read the response's. Full duplex over HTTP/2. */

import { Duplex } from 'node:stream'
import { type Client, type HttpResponse, type RequestOptions, UsageError } from '@unshard/core'
import { Cancellation } from './cancellation.js'
import { ContentHandoff } from './content-handoff.js'
import { transferOptions, WITHOUT_BODY } from './options.js'

/** A request and its answer as one Node stream. */
export interface RequestDuplex {
  /** Writes the request's content, reads the response's. Destroying it resets the HTTP stream. */
  readonly duplex: Duplex
  /** The response, as soon as its fields are there. Its body is the duplex's to read. */
  readonly response: Promise<HttpResponse>
}

/** A request and its answer as web streams. */
export interface WebRequestDuplex {
  /** The response's content, a byte stream. Cancelling it resets the HTTP stream, and with it the request. */
  readonly readable: ReadableStream<Uint8Array>
  /** The request's content. Aborting it resets the HTTP stream, and with it the response. */
  readonly writable: WritableStream<Uint8Array | string>
  /** The response, as soon as its fields are there. Its body is the readable's to read. */
  readonly response: Promise<HttpResponse>
}

/**
 * Opens a request whose content is written to a stream. Default method `POST`. The response is read from the same stream, also while content is
 * still written (RFC 9113 §8.1); a write waits for the peer's flow control, and an unread response holds the peer back. What is written after the peer
 * wants no more is dropped, so that its answer can be read. A request that fails destroys the stream with its error.
 * @param options as for `client.request`, without `body`.
 * @throws UsageError `ERR_UNKNOWN_OPTION`; whatever else is wrong with the request, `response` rejects with.
 */
export function openDuplex(client: Client, options: Omit<RequestOptions, 'body'>): RequestDuplex {
  const { content, cancellation, response } = open(client, options, 'openDuplex()')
  return { duplex: new RequestStream(content, cancellation, response), response }
}

/**
 * The same as web streams, with no stream of Node's in between. A request that fails errors both of them.
 * @param options as for `client.request`, without `body`.
 * @throws UsageError `ERR_UNKNOWN_OPTION`; whatever else is wrong with the request, `response` rejects with.
 */
export function openWebDuplex(client: Client, options: Omit<RequestOptions, 'body'>): WebRequestDuplex {
  const { content, cancellation, response } = open(client, options, 'openWebDuplex()')
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
      // The stream takes the memory away from whoever holds it: that of a part is its own.
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

interface OpenRequest {
  readonly content: ContentHandoff
  readonly cancellation: Cancellation
  readonly response: Promise<HttpResponse>
}

function open(client: Client, given: Omit<RequestOptions, 'body'>, taker: string): OpenRequest {
  const options = transferOptions(given, WITHOUT_BODY, taker)
  const content = new ContentHandoff()
  const cancellation = new Cancellation(options.signal)
  const response = client.request({ method: 'POST', ...options, body: content, signal: cancellation.signal })
  // Whoever wants the response handles its failure; the streams report it to everybody else.
  response.catch(() => content.abandon())
  return { content, cancellation, response }
}

/** Reads straight from the response's body, writes straight into the request's content. */
class RequestStream extends Duplex {
  readonly #content: ContentHandoff
  readonly #cancellation: Cancellation
  #parts: AsyncIterator<Uint8Array> | undefined
  #wanted = false

  constructor(content: ContentHandoff, cancellation: Cancellation, response: Promise<HttpResponse>) {
    super()
    this.#content = content
    this.#cancellation = cancellation
    // A peer that wants no more has said why, and that is read before anybody asks.
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
    // At the natural end content may still wait for the peer's window: that is sent.
    if (error !== null || !this.readableEnded || !this.writableFinished) this.#cancellation.cancel(error ?? cancelled())
    this.#content.abandon()
    callback(error)
  }

  #attach(response: HttpResponse): void {
    if (this.destroyed) return
    this.#parts = response.body
    if (this.#wanted) this.#take(this.#parts)
  }

  /** One part for one `_read`: Node asks again when there is room. */
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
  throw new UsageError('ERR_INVALID_BODY', `content is bytes or text, not ${chunk === null ? 'null' : typeof chunk}`)
}

function cancelled(): UsageError {
  return new UsageError('ERR_BODY_CANCELLED', 'the stream was destroyed before its end')
}
