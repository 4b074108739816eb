/** The content of a response as the Node stream that Smithy clients read. */

import { Readable } from 'node:stream'
import { type HttpResponse, UsageError } from '@unshard/core'
import { expectErrors } from '@unshard/core/internal'

/** Reads a response at the pace of its reader. Destroying it resets the HTTP stream. */
export class ResponseContent extends Readable {
  readonly #response: HttpResponse
  readonly #parts: AsyncIterator<Uint8Array>
  readonly #toError: (reason: unknown) => unknown

  /** @param toError converts the error of the request. */
  constructor(response: HttpResponse, toError: (reason: unknown) => unknown) {
    // The connection has the buffer: a second one here would only delay the peer's flow control.
    super({ highWaterMark: 0 })
    this.#response = response
    this.#toError = toError
    this.#parts = response.body
    // As Node's responses: an error that comes before a listener does not end the process.
    expectErrors(this)
    response.onBroken((reason) => this.#fail(reason))
  }

  override _read(): void {
    const part = this.#response.takePart()
    if (part !== undefined) this.#push(part)
    else
      this.#parts.next().then(
        (next) => this.#push(next),
        (reason: unknown) => this.#fail(reason),
      )
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.#response.complete)
      this.#response.discard(error ?? new UsageError('ERR_BODY_CANCELLED', 'the content was destroyed before its end'))
    callback(error)
  }

  #push({ done, value }: IteratorResult<Uint8Array>): void {
    this.push(done === true ? null : value)
  }

  #fail(reason: unknown): void {
    this.destroy(this.#toError(reason) as Error)
  }
}
