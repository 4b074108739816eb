/** One attempt of a request, as its events report it. Knows nothing about HAR. */

import type { ReceiveEvent, RequestEvent } from '@unshard/core'

/** Content of a response, up to a maximum size. */
export class RecordedBody {
  readonly #maxBytes: number
  #parts: Uint8Array[] = []
  #length = 0
  /** Whether there was more than the maximum. Nothing is kept then. */
  isTooLarge = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Adds a copy of a part. */
  add(bytes: Uint8Array): void {
    if (this.isTooLarge) return
    this.#length += bytes.length
    if (this.#length <= this.#maxBytes) {
      this.#parts.push(Uint8Array.from(bytes))
      return
    }
    this.isTooLarge = true
    this.#parts = []
  }

  whole(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

/** An attempt. Times are of `performance.now()`, in milliseconds. */
export class Attempt {
  readonly request: RequestEvent
  readonly startedMs: number
  /** Wall-clock time of its start, in milliseconds. */
  readonly startedAt: number
  /** The content of the response, if it is recorded. */
  readonly body: RecordedBody | undefined
  /** The wait for a response; `undefined` until a connection is found. */
  receive: ReceiveEvent | undefined
  /** When a connection was found. */
  sendingMs = 0
  /** When the content was sent. */
  sentMs: number | undefined
  /** When the fields of the response arrived. */
  answeredMs: number | undefined
  endedMs: number | undefined
  error: unknown
  /** Whether the client sent the request again. */
  isReplayed = false
  receivedBytes = 0

  constructor(request: RequestEvent, startedMs: number, maxBodyBytes: number | undefined) {
    this.request = request
    this.startedMs = startedMs
    this.startedAt = Date.now() - (performance.now() - startedMs)
    this.body = maxBodyBytes === undefined ? undefined : new RecordedBody(maxBodyBytes)
  }
}
