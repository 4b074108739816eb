/** Passes content from a writer to an engine one part at a time, without further buffering. */

const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined }

interface Part {
  readonly bytes: Uint8Array | undefined
  readonly taken: () => void
}

/**
 * Writer's side and body for `client.request`. A write completes when the engine has taken it, so
 * it waits for the peer's window.
 */
export class ContentHandoff implements AsyncIterableIterator<Uint8Array> {
  #part: Part | undefined
  #ended = false
  #hasDropped = false
  #taker: ((result: IteratorResult<Uint8Array>) => void) | undefined
  /**
   * Called once when the rest is not needed: the response is complete, or the request has failed.
   */
  onUnwanted: (() => void) | undefined

  /**
   * Hands over a part; `taken` is called when the engine has taken or dropped it. One part at a
   * time.
   */
  write(bytes: Uint8Array, taken: () => void): void {
    this.#offer({ bytes, taken })
  }

  /** Whether a part was dropped: the peer refuses more, or the request has failed. */
  get hasDropped(): boolean {
    return this.#hasDropped
  }

  /** Marks the end of the content. */
  end(taken: () => void): void {
    this.#offer({ bytes: undefined, taken })
  }

  /**
   * Called by the engine for the next part: it has sent the previous one as far as the peer allows.
   */
  next(): Promise<IteratorResult<Uint8Array>> {
    const part = this.#part
    if (part !== undefined) {
      this.#part = undefined
      return Promise.resolve(this.#give(part))
    }
    if (this.#ended) return Promise.resolve(DONE)
    return new Promise((resolve) => {
      this.#taker = resolve
    })
  }

  /**
   * Called by the engine when it needs no more. Further writes are accepted and dropped, because
   * the response may still be read.
   */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.abandon()
    this.onUnwanted?.()
    this.onUnwanted = undefined
    return Promise.resolve(DONE)
  }

  /** Releases both sides. */
  abandon(): void {
    this.#ended = true
    const part = this.#part
    this.#part = undefined
    this.#drop(part)
    const taker = this.#taker
    this.#taker = undefined
    taker?.(DONE)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #offer(part: Part): void {
    if (this.#ended) return this.#drop(part)
    const taker = this.#taker
    if (taker === undefined) {
      this.#part = part
      return
    }
    this.#taker = undefined
    taker(this.#give(part))
  }

  #drop(part: Part | undefined): void {
    if (part?.bytes !== undefined) this.#hasDropped = true
    part?.taken()
  }

  #give({ bytes, taken }: Part): IteratorResult<Uint8Array> {
    if (bytes === undefined) this.#ended = true
    taken()
    return bytes === undefined ? DONE : { done: false, value: bytes }
  }
}
