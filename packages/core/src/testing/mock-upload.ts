/** Request content for a mock handler: read on demand, and closed when its exchange is over. */

import { StreamError, UsageError } from '../errors/errors.js'
import { fieldValue } from '../message/field-lines.js'
import type { HttpRequest } from '../message/request.js'
import { type Content, leave, wrongWhileSent } from '../message/request-content.js'

/** Callbacks of an upload. */
export interface MockUploadOwner {
  onSent(bytes: number): void
  /**
   * Called when the source failed or yielded invalid content; ends the request, as in an engine.
   */
  onUploadFailed(error: Error): void
}

/** The content of one request. */
export class MockUpload {
  readonly #content: Content | undefined
  readonly #origin: string
  /** The content-length, if the request has the field. */
  readonly #announced: number | undefined
  readonly #owner: MockUploadOwner
  #source: AsyncIterator<Uint8Array | string> | undefined
  #sent = 0
  #over: { readonly reason: unknown } | undefined
  #reject: ((reason: unknown) => void) | undefined

  constructor({ content, origin, fields }: HttpRequest, owner: MockUploadOwner) {
    this.#content = content
    this.#origin = origin.serialized
    const length = fieldValue(fields, 'content-length')
    this.#announced = length === undefined ? undefined : Number(length)
    this.#owner = owner
  }

  /** Iterates over the content, for the handler. */
  async *parts(): AsyncGenerator<Uint8Array, void> {
    const content = this.#content
    if (content === undefined) return
    if (content.bytes !== undefined) {
      this.#owner.onSent(content.bytes.length)
      return yield content.bytes
    }
    for (let part = await this.#next(content); part !== undefined; part = await this.#next(content)) {
      this.#owner.onSent(part.length)
      yield part
    }
  }

  /** Drops unread content: the response is complete. */
  end(): void {
    const content = this.#content
    if (this.#over === undefined && this.#source === undefined && content?.bytes === undefined) this.#source = content?.open()
    this.stop(new UsageError('ERR_BODY_CANCELLED', 'the response was complete before the request content was read'))
  }

  /** Stops the upload after the exchange failed or ended. An unopened source may be sent again. */
  stop(reason: unknown): void {
    if (this.#over !== undefined) return
    this.#over = { reason }
    if (this.#source !== undefined) leave(this.#source, reason)
    this.#reject?.(reason)
  }

  get #isOver(): boolean {
    return this.#over !== undefined
  }

  async #next(content: Content): Promise<Uint8Array | undefined> {
    if (this.#over !== undefined) throw this.#over.reason
    try {
      this.#source ??= content.open()
      const { done, value } = await this.#unlessOver(this.#source)
      if (done === true) content.ended?.()
      return this.#checked(done === true ? undefined : value)
    } catch (cause) {
      // The upload ended in the meantime: the thrown error is already the reason.
      if (this.#isOver) throw cause
      const error = this.#typed(cause)
      this.#owner.onUploadFailed(error)
      throw error
    }
  }

  /** Reads the next part, but rejects when the upload ends: the source may never yield again. */
  #unlessOver(source: AsyncIterator<Uint8Array | string>): Promise<IteratorResult<Uint8Array | string>> {
    return new Promise((resolve, reject) => {
      this.#reject = reject
      source.next().then(resolve, reject)
    })
  }

  /** Checks a part. @throws UsageError for content that an engine would not send. */
  #checked(value: unknown): Uint8Array | undefined {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    if (bytes !== undefined && !(bytes instanceof Uint8Array)) {
      const kind = bytes === null ? 'null' : `a ${typeof bytes}`
      throw new UsageError('ERR_INVALID_BODY', `the body yielded ${kind}; a body must yield bytes or text`)
    }
    this.#sent += bytes?.length ?? 0
    const announced = this.#announced ?? this.#sent
    if (this.#sent > announced || (bytes === undefined && this.#sent < announced)) {
      throw new UsageError('ERR_CONTENT_LENGTH', `the body has ${this.#sent} bytes, but its content-length is ${announced}`)
    }
    return bytes
  }

  #typed(cause: unknown): Error {
    if (cause instanceof UsageError) return wrongWhileSent(cause, this.#origin, 'unknown')
    const what = cause instanceof Error ? cause.message : String(cause)
    const details = { origin: this.#origin, initiator: 'local', cause, processed: 'unknown' } as const
    return new StreamError('ERR_REQUEST_BODY', `the body of the request failed: ${what}`, details)
  }
}
