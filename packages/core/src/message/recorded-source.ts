/**
 * Content that comes from a source which can be read once. Its first bytes are kept, so that a request whose stream the server has not taken
 * (RFC 9113 §6.8: GOAWAY at `keepalive_requests` of nginx) can be sent again: the kept bytes first, and then the rest of the source.
 */

import type { Content } from './content.js'

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
  #iterator: AsyncIterator<Part> | undefined
  #parts: Part[] = []
  #keptBytes = 0
  /** More has been read than is kept. */
  #overflown = false
  #done = false
  #left = false
  #held = false
  /** The next part, while it is being read. An attempt that failed meanwhile leaves it to the next one. */
  #pending: Promise<IteratorResult<Part>> | undefined

  /** @param open opens the source; called once. */
  constructor(open: () => AsyncIterator<Part>) {
    this.#open = open
  }

  get replayable(): boolean {
    return this.#iterator === undefined || (!this.#overflown && !this.#left)
  }

  /** The request may be sent again: an attempt that ends leaves the source open until {@link release}. */
  hold(): void {
    this.#held = true
  }

  /** The request is over. The source is left, unless it has come to its end. */
  release(reason: unknown): void {
    this.#held = false
    this.#parts = []
    if (this.#iterator !== undefined && !this.#done) this.#leave(reason)
  }

  open(): AsyncIterator<Part> {
    this.#iterator ??= this.#open()
    let at = 0
    return {
      next: () => {
        // Without another promise for each part, once nothing is kept.
        if (this.#overflown) return this.#iterator!.next()
        return at < this.#parts.length ? Promise.resolve({ done: false, value: this.#parts[at++]! }) : this.#read(() => at++)
      },
      return: (reason) => {
        if (!this.#held || !this.replayable) this.#leave(reason)
        return Promise.resolve(END)
      },
    }
  }

  async #read(taken: () => void): Promise<IteratorResult<Part>> {
    if (this.#done) return END
    this.#pending ??= this.#iterator!.next()
    const pending = this.#pending
    const result = await pending
    // The attempt that comes first keeps it, for all of them.
    if (this.#pending === pending) {
      this.#pending = undefined
      if (result.done === true) this.#done = true
      else this.#keep(result.value)
    }
    taken()
    return result
  }

  #keep(part: Part): void {
    // What is no content is refused by its sender.
    if (typeof part !== 'string' && !(part instanceof Uint8Array)) return
    this.#keptBytes += typeof part === 'string' ? Buffer.byteLength(part) : part.length
    this.#overflown = this.#keptBytes > KEPT_BYTES
    if (this.#overflown) this.#parts = []
    // A copy: a source may fill the same memory again.
    else this.#parts.push(typeof part === 'string' ? part : Uint8Array.from(part))
  }

  #leave(reason: unknown): void {
    if (this.#left) return
    this.#left = true
    try {
      Promise.resolve(this.#iterator!.return?.(reason)).catch(() => undefined)
    } catch {
      // Its answer is of no use, and must not stop the caller of this.
    }
  }
}
