/**
 * Content from a source that can be read only once. Keeps its first bytes, so that a request whose
 * stream the server did not process (RFC 9113 §6.8, e.g. GOAWAY at `keepalive_requests` of nginx)
 * can be sent again: first the kept bytes, then the rest of the source.
 */

import type { Content } from './request-content.js'

/** Maximum bytes kept of a source. After more, the request cannot be sent again. */
export const KEPT_BYTES = 16_384

type Part = Uint8Array | string

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

/** Records one source. */
export class RecordedSource implements Content, AsyncIterable<Part> {
  readonly bytes = undefined
  readonly length = undefined
  readonly type = undefined
  readonly #open: () => AsyncIterator<Part>
  readonly #isStream: boolean
  #iterator: AsyncIterator<Part> | undefined
  #parts: Part[] = []
  #keptBytes = 0
  /** Whether more has been sent than is kept. */
  #overflown = false
  #done = false
  #left = false
  /** How many requests may still send it. */
  #holders = 0
  /**
   * The pending read of the next part. If an attempt fails in the meantime, the next attempt uses
   * it.
   */
  #pending: Promise<IteratorResult<Part>> | undefined
  /**
   * The current attempt. A part requested by an earlier attempt is kept for it, whatever its size.
   */
  #attempt = 0

  /**
   * @param open opens the source; called once.
   * @param isStream whether the source holds resources before it is opened, such as a file.
   */
  constructor(open: () => AsyncIterator<Part>, isStream = false) {
    this.#open = open
    this.#isStream = isStream
  }

  get replayable(): boolean {
    return this.#iterator === undefined || (!this.#overflown && !this.#left)
  }

  /**
   * Keeps the source open after an attempt ends, until {@link release} is called as often: the request may be sent
   * again.
   */
  hold(): void {
    this.#holders++
  }

  /** Prepares another attempt. The current one reads no further, though it may still be sending. */
  rewind(): void {
    this.#attempt++
  }

  /** Called when the source has ended. */
  ended(): void {
    this.#done = true
  }

  /**
   * Closes the source unless it has ended: the request is over.
   * @param aborted whether the caller aborted the request: then an unopened stream is closed too. After a
   *   failure it stays open, because the caller may send it again.
   */
  release(reason: unknown, aborted = false): void {
    if (this.#holders > 0 && --this.#holders > 0) return
    this.#parts = []
    if (this.#iterator === undefined && aborted && this.#isStream) this.#openUnread()
    if (this.#iterator === undefined) return
    this.#leave(reason)
    // Nothing is kept, so sending it again would send an empty body.
    this.#left = true
  }

  /** Reads it from the beginning, for interceptors. */
  [Symbol.asyncIterator](): AsyncIterator<Part> {
    return this.open()
  }

  open(): AsyncIterator<Part> {
    this.#iterator ??= this.#open()
    const attempt = ++this.#attempt
    let at = 0
    return {
      next: () => {
        // Never resolve: an end would make the content of the earlier attempt look complete.
        if (attempt !== this.#attempt) return new Promise(() => undefined)
        // Once nothing is kept, avoid an extra promise for each part.
        if (this.#overflown) return this.#iterator!.next()
        if (at === this.#parts.length) return this.#read(attempt, () => (at = this.#parts.length))
        const value = this.#parts[at++]!
        if (at === this.#parts.length) this.#drop()
        return Promise.resolve({ done: false, value })
      },
      return: (reason) => {
        if (this.#holders === 0 || (attempt === this.#attempt && !this.replayable)) this.#leave(reason)
        else if (attempt === this.#attempt) this.rewind()
        return Promise.resolve(END)
      },
    }
  }

  async #read(attempt: number, taken: () => void): Promise<IteratorResult<Part>> {
    if (this.#done) return END
    this.#pending ??= this.#iterator!.next()
    const pending = this.#pending
    const result = await pending
    // The first attempt to continue keeps the part for all attempts.
    if (this.#pending === pending) {
      this.#pending = undefined
      if (result.done === true) this.#done = true
      else this.#keep(result.value, attempt === this.#attempt)
    }
    if (attempt !== this.#attempt) return result
    taken()
    this.#drop()
    return result
  }

  /** Keeps a part. @param sent whether the current attempt sends it now. */
  #keep(part: Part, sent: boolean): void {
    const length = typeof part === 'string' ? Buffer.byteLength(part) : part instanceof Uint8Array ? part.length : undefined
    if (length === 0) return
    this.#keptBytes += length ?? 0
    if (sent && this.#keptBytes > KEPT_BYTES) return
    // A copy, because the source may reuse its memory. The sender rejects parts that are not
    // content.
    this.#parts.push(part instanceof Uint8Array ? Uint8Array.from(part) : part)
  }

  /**
   * Drops the kept parts once they are sent, if they exceed the limit: no further attempt is then
   * possible.
   */
  #drop(): void {
    if (this.#keptBytes <= KEPT_BYTES) return
    this.#overflown = true
    this.#parts = []
  }

  #openUnread(): void {
    try {
      this.#iterator = this.#open()
    } catch {
      // Another reader has locked the source in the meantime.
    }
  }

  #leave(reason: unknown): void {
    if (this.#left || this.#done) return
    this.#left = true
    try {
      Promise.resolve(this.#iterator!.return?.(reason)).catch(() => undefined)
    } catch {
      // Ignore errors of the source's cleanup.
    }
  }
}
