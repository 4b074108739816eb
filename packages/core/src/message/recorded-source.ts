/**
 * Content that comes from a source which can be read once. Its first bytes are kept, so that a request whose stream the server has not taken
 * (RFC 9113 §6.8: GOAWAY at `keepalive_requests` of nginx) can be sent again: the kept bytes first, and then the rest of the source.
 */

import type { Content } from './request-content.js'

/** A source is kept up to so many bytes; beyond that it can be sent once. */
export const KEPT_BYTES = 16_384

type Part = Uint8Array | string

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

/** One source. */
export class RecordedSource implements Content {
  readonly bytes = undefined
  readonly length = undefined
  readonly type = undefined
  readonly #open: () => AsyncIterator<Part>
  readonly #isStream: boolean
  #iterator: AsyncIterator<Part> | undefined
  #parts: Part[] = []
  #keptBytes = 0
  /** More has been sent than is kept. */
  #overflown = false
  #done = false
  #left = false
  #held = false
  /** The next part, while it is being read. An attempt that failed meanwhile leaves it to the next one. */
  #pending: Promise<IteratorResult<Part>> | undefined
  /** The attempt that reads. A part that an earlier one has asked for is kept for this one, whatever its size. */
  #attempt = 0

  /**
   * @param open opens the source; called once.
   * @param isStream it holds something also before it is opened, such as a file.
   */
  constructor(open: () => AsyncIterator<Part>, isStream = false) {
    this.#open = open
    this.#isStream = isStream
  }

  get replayable(): boolean {
    return this.#iterator === undefined || (!this.#overflown && !this.#left)
  }

  /** The request may be sent again: an attempt that ends leaves the source open until {@link release}. */
  hold(): void {
    this.#held = true
  }

  /** The request is sent again: the attempt that is open reads no further, though it may still be sending. */
  rewind(): void {
    this.#attempt++
  }

  /** The source has come to its end. */
  ended(): void {
    this.#done = true
  }

  /**
   * The request is over. The source is left, unless it has come to its end.
   * @param aborted the caller has ended it: a stream that was not opened is left as well. After a failure it may be sent another time.
   */
  release(reason: unknown, aborted = false): void {
    this.#held = false
    this.#parts = []
    if (this.#iterator === undefined && aborted && this.#isStream) this.#openUnread()
    if (this.#iterator === undefined) return
    this.#leave(reason)
    // Nothing is kept of it: it would be sent again as if it were empty.
    this.#left = true
  }

  open(): AsyncIterator<Part> {
    this.#iterator ??= this.#open()
    const attempt = ++this.#attempt
    let at = 0
    return {
      next: () => {
        // The end would make the content of an earlier attempt look complete.
        if (attempt !== this.#attempt) return new Promise(() => undefined)
        // Without another promise for each part, once nothing is kept.
        if (this.#overflown) return this.#iterator!.next()
        if (at === this.#parts.length) return this.#read(attempt, () => (at = this.#parts.length))
        const value = this.#parts[at++]!
        if (at === this.#parts.length) this.#drop()
        return Promise.resolve({ done: false, value })
      },
      return: (reason) => {
        if (!this.#held || (attempt === this.#attempt && !this.replayable)) this.#leave(reason)
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
    // The attempt that comes first keeps it, for all of them.
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

  /** @param sent the attempt that reads sends it now. */
  #keep(part: Part, sent: boolean): void {
    const length = typeof part === 'string' ? Buffer.byteLength(part) : part instanceof Uint8Array ? part.length : undefined
    if (length === 0) return
    this.#keptBytes += length ?? 0
    if (sent && this.#keptBytes > KEPT_BYTES) return
    // A copy: a source may fill the same memory again. What is no content is refused by its sender.
    this.#parts.push(part instanceof Uint8Array ? Uint8Array.from(part) : part)
  }

  /** All that was read is sent: from here on it cannot be sent again, where it is too much to keep. */
  #drop(): void {
    if (this.#keptBytes <= KEPT_BYTES) return
    this.#overflown = true
    this.#parts = []
  }

  #openUnread(): void {
    try {
      this.#iterator = this.#open()
    } catch {
      // Another reader has it by now.
    }
  }

  #leave(reason: unknown): void {
    if (this.#left || this.#done) return
    this.#left = true
    try {
      Promise.resolve(this.#iterator!.return?.(reason)).catch(() => undefined)
    } catch {
      // Its answer is of no use, and must not stop the caller of this.
    }
  }
}
