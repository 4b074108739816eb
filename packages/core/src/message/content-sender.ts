/** Sends the content of a request: as fast as the stream takes it, no faster, and no longer than anybody wants it. */

import { UsageError } from '../errors/errors.js'
import { queueMicrotask, setImmediate } from '../runtime/event-loop.js'
import { fieldValue } from './field-lines.js'
import { checkFields } from './fields.js'
import type { HttpRequest } from './request.js'
import { type Content, leave } from './request-content.js'

/** How long content waits for an answer to `expect: 100-continue` (RFC 9110 §10.1.1), milliseconds: many servers know nothing of it. */
export const CONTINUE_WAIT_MS = 1_000

/** Where content goes. */
export interface ContentSink {
  /** Takes bytes, the end, or both. Returns false when the next ones have to wait for {@link ContentSender.resume}. */
  write(bytes: Uint8Array | undefined, end: boolean, trailers?: readonly string[]): boolean
  /** The source failed, or was not what it said. */
  contentFailed(cause: unknown): void
}

/** Reads one source into one sink. */
export class ContentSender {
  readonly #request: HttpRequest
  readonly #content: Content
  readonly #sink: ContentSink
  #iterator: AsyncIterator<Uint8Array | string> | undefined
  #stopped = false
  #stopReason: unknown
  #waiting: (() => void) | undefined
  /** Bytes handed to the sink. */
  sentBytes = 0

  constructor(request: HttpRequest, content: Content, sink: ContentSink) {
    this.#request = request
    this.#content = content
    this.#sink = sink
  }

  /** Bytes in memory are handed over now; a source is read from now on. */
  start(): void {
    const { bytes } = this.#content
    if (bytes === undefined) {
      // A source is the caller's code, and what it does when it is opened must not happen inside the making of its request.
      queueMicrotask(() => this.#pump().catch((error: unknown) => this.#failed(error)))
      return
    }
    this.sentBytes = bytes.length
    if (this.#request.trailers === undefined) {
      this.#sink.write(bytes, true)
      return
    }
    try {
      this.#sink.write(bytes, true, checkFields(this.#request.trailers()).list)
    } catch (error) {
      // The stream is open, so it has to be ended; but nothing may be called back while the request is being made.
      queueMicrotask(() => this.#failed(error))
    }
  }

  /** The sink takes more. */
  resume(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  /** The rest is not wanted. The source is left, and told why. */
  stop(reason?: unknown): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#stopReason = reason
    this.#leave(reason)
    this.resume()
  }

  async #pump(): Promise<void> {
    if (this.#stopped) return
    const iterator = this.#content.open()
    this.#iterator = iterator
    // By the source, as it was opened.
    if (this.#stopped) this.#leave(this.#stopReason)
    while (!this.#stopped) {
      const { done, value } = await iterator.next()
      if (done === true) this.#content.ended?.()
      if (this.#stopped) return
      if (done === true) return this.#end()
      const bytes = this.#check(value)
      // A source that has nothing to give, forever, must not keep timers and sockets from their turn.
      if (bytes.length === 0) await new Promise((resolve) => setImmediate(resolve))
      this.sentBytes += bytes.length
      if (!this.#sink.write(bytes, false)) await this.#sendable()
    }
  }

  #sendable(): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  /** RFC 9113 §8.1.1: content has to match the content-length that was sent. */
  #check(value: unknown): Uint8Array {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    if (!(bytes instanceof Uint8Array)) {
      throw new UsageError(
        'ERR_INVALID_BODY',
        `the body yielded ${value === null ? 'null' : `a ${typeof value}`}, not bytes or text`,
      )
    }
    const length = this.#announced()
    if (length !== undefined && this.sentBytes + bytes.length > length) {
      throw new UsageError('ERR_CONTENT_LENGTH', `the body is longer than its content-length, ${length}`)
    }
    return bytes
  }

  #end(): void {
    const length = this.#announced()
    if (length !== undefined && this.sentBytes !== length) {
      throw new UsageError('ERR_CONTENT_LENGTH', `the body has ${this.sentBytes} bytes, its content-length said ${length}`)
    }
    this.#iterator = undefined
    const { trailers } = this.#request
    this.#sink.write(undefined, true, trailers === undefined ? undefined : checkFields(trailers()).list)
  }

  #announced(): number | undefined {
    const length = fieldValue(this.#request.fields, 'content-length')
    return length === undefined ? undefined : Number(length)
  }

  #failed(error: unknown): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#leave(error)
    this.#sink.contentFailed(error)
  }

  /** Lets the source clean up. What it says to that is of no use to anybody. */
  #leave(reason: unknown): void {
    const iterator = this.#iterator
    this.#iterator = undefined
    if (iterator !== undefined) leave(iterator, reason)
  }
}
