/** The content of a response, as Connect-ES reads it: with its errors, and trailers that are there at the end. */

import type { HttpResponse } from '@unshard/core'
import { appendFields } from './fields.js'
import { rpcError } from './rpc-errors.js'

type Part = IteratorResult<Uint8Array, undefined>

const DONE: Part = { done: true, value: undefined }

/** Reads one response. Can be iterated over once. */
export class ResponseContent implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #response: HttpResponse
  readonly #signal: AbortSignal | undefined
  readonly #parts: AsyncIterator<Uint8Array>
  /** Empty until the content has been read to its end. */
  readonly trailer: Headers = new Headers()

  constructor(response: HttpResponse, signal: AbortSignal | undefined) {
    this.#response = response
    this.#signal = signal
    this.#parts = response.body
  }

  next(): Promise<Part> {
    // Parts that have arrived need one promise, not three.
    const here = this.#response.takePart()
    if (here !== undefined) return Promise.resolve(this.#pass(here))
    return this.#parts.next().then(
      (part) => this.#pass(part),
      (error: unknown) => {
        throw rpcError(error, this.#signal)
      },
    )
  }

  /** Ends the call early: the stream is reset. */
  return(): Promise<Part> {
    this.#response.discard()
    return Promise.resolve(DONE)
  }

  /** Ends the call because a reader failed: the stream is reset. */
  throw(reason: unknown): Promise<Part> {
    this.#response.discard(reason)
    return Promise.reject(reason)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #pass(part: IteratorResult<Uint8Array>): Part {
    if (part.done !== true) return part
    const { trailers } = this.#response
    if (trailers !== undefined && trailers.size > 0) appendFields(this.trailer, trailers)
    return DONE
  }
}
