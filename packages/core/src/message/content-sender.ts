/**
 * Sends the content of a request at the pace of its stream, until the end or until the stream stops
 * it.
 */

import { UsageError } from '../errors/errors.js'
import { queueMicrotask, setImmediate } from '../runtime/event-loop.js'
import { fieldValue } from './field-lines.js'
import { checkFields } from './fields.js'
import type { HttpRequest } from './request.js'
import { type Content, leave } from './request-content.js'

/**
 * Time that content waits for 100 after `expect: 100-continue` (RFC 9110 §10.1.1), in milliseconds:
 * many servers never send it.
 */
export const CONTINUE_WAIT_MS = 1_000

/** The destination of content. */
export interface ContentSink {
  /**
   * Writes bytes, the end, or both. Returns false if further bytes must wait for {@link
   * ContentSender.resume}.
   */
  write(bytes: Uint8Array | undefined, end: boolean, trailers?: readonly string[]): boolean
  /** Called when the source failed or yielded invalid content. */
  contentFailed(cause: unknown): void
}

/** Sends the content of one request to one sink. */
export class ContentSender {
  readonly #request: HttpRequest
  readonly #content: Content
  readonly #sink: ContentSink
  #iterator: AsyncIterator<Uint8Array | string> | undefined
  #stopped = false
  #stopReason: unknown
  #waiting: (() => void) | undefined
  /** Bytes passed to the sink. */
  sentBytes = 0

  constructor(request: HttpRequest, content: Content, sink: ContentSink) {
    this.#request = request
    this.#content = content
    this.#sink = sink
  }

  /** Sends content that is in memory, or starts to read a source. */
  start(): void {
    const { bytes } = this.#content
    if (bytes === undefined) {
      // A source is user code: open it after the call that created the request has returned.
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
      // The open stream must be ended, but not before the call that created the request has
      // returned.
      queueMicrotask(() => this.#failed(error))
    }
  }

  /** Continues after the sink is ready again. */
  resume(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  /** Stops sending and closes the source, with the reason. */
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
    // The source may have stopped the sender while it was opened.
    if (this.#stopped) this.#leave(this.#stopReason)
    while (!this.#stopped) {
      const { done, value } = await iterator.next()
      if (done === true) this.#content.ended?.()
      if (this.#stopped) return
      if (done === true) return this.#end()
      const bytes = this.#check(value)
      // A source that yields empty parts forever must not block timers and sockets.
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

  /** Checks a part, and that the content does not exceed the content-length (RFC 9113 §8.1.1). */
  #check(value: unknown): Uint8Array {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    if (!(bytes instanceof Uint8Array)) {
      throw new UsageError(
        'ERR_INVALID_BODY',
        `the body yielded ${value === null ? 'null' : `a ${typeof value}`}; a body must yield bytes or text`,
      )
    }
    const length = this.#announced()
    if (length !== undefined && this.sentBytes + bytes.length > length) {
      throw new UsageError('ERR_CONTENT_LENGTH', `the body is longer than its content-length of ${length} bytes`)
    }
    return bytes
  }

  #end(): void {
    const length = this.#announced()
    if (length !== undefined && this.sentBytes !== length) {
      throw new UsageError('ERR_CONTENT_LENGTH', `the body has ${this.sentBytes} bytes, but its content-length is ${length}`)
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

  /** Lets the source clean up, and ignores the result. */
  #leave(reason: unknown): void {
    const iterator = this.#iterator
    this.#iterator = undefined
    if (iterator !== undefined) leave(iterator, reason)
  }
}
