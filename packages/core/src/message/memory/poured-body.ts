/** Passes content on as it arrives: for a reader that is done with each part when its function returns, such as a file. */

const EMPTY = new Uint8Array(0)

/** A body that is not kept. */
export class PouredBody {
  readonly #sink: (bytes: Uint8Array) => void
  readonly #onError: (error: unknown) => void
  #failed = false
  #error: unknown

  /**
   * @param sink called with each part, in memory that is valid only during the call.
   * @param onError called once, after the call, if `sink` throws.
   */
  constructor(sink: (bytes: Uint8Array) => void, onError: (error: unknown) => void) {
    this.#sink = sink
    this.#onError = onError
  }

  /** Nothing is left. @throws the error of the function. */
  get whole(): Uint8Array {
    if (this.#failed) throw this.#error
    return EMPTY
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    if (this.#failed) return
    try {
      this.#sink(bytes.subarray(start, end))
    } catch (error) {
      this.#failed = true
      this.#error = error
      // The engine is delivering this part: its state must not change during the call.
      queueMicrotask(() => this.#onError(error))
    }
  }

  end(): void {}
}
