/** Content that is written on one side and read by an engine on the other, one part at a time: between them lies nothing but that part. */

const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined }

interface Part {
  readonly bytes: Uint8Array | undefined
  readonly taken: () => void
}

/** A writer's side and a body for `client.request`. A write is done when the engine has taken it: the peer's window is what it waits for. */
export class ContentHandoff implements AsyncIterableIterator<Uint8Array> {
  #part: Part | undefined
  #ended = false
  #taker: ((result: IteratorResult<Uint8Array>) => void) | undefined
  /** Called once, when nobody wants the rest: the response is complete, or the request has failed. */
  onUnwanted: (() => void) | undefined

  /** Hands over a part; `taken` is called when the engine has it, or nobody wants it. One at a time. */
  write(bytes: Uint8Array, taken: () => void): void {
    this.#offer({ bytes, taken })
  }

  /** No part follows. */
  end(taken: () => void): void {
    this.#offer({ bytes: undefined, taken })
  }

  /** The engine asks for the next part: it has sent the one before, as far as the peer lets it. */
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

  /** The engine wants no more. What is still written is taken and dropped: the response may well be worth reading. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.abandon()
    this.onUnwanted?.()
    this.onUnwanted = undefined
    return Promise.resolve(DONE)
  }

  /** Lets go of both sides. */
  abandon(): void {
    this.#ended = true
    const part = this.#part
    this.#part = undefined
    part?.taken()
    const taker = this.#taker
    this.#taker = undefined
    taker?.(DONE)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #offer(part: Part): void {
    if (this.#ended) return part.taken()
    const taker = this.#taker
    if (taker === undefined) {
      this.#part = part
      return
    }
    this.#taker = undefined
    taker(this.#give(part))
  }

  #give({ bytes, taken }: Part): IteratorResult<Uint8Array> {
    if (bytes === undefined) this.#ended = true
    taken()
    return bytes === undefined ? DONE : { done: false, value: bytes }
  }
}
