/**
 * Content that is wanted whole, and whose length was announced: every part is copied into its place as it arrives, and let go. A list of
 * parts would hold the memory of each until the last is there, and cost garbage collection far more than the copy.
 */

/** Shorter content comes in a few parts: those are kept. Bytes. */
const MIN_BYTES = 65_536
/** A peer makes us set aside at most so many times what it has sent. Pages that nothing is written to cost address space alone. */
const PREALLOCATE_RATIO = 16
/** More is not put together as it comes: what is here when it is believed is copied at once. Bytes. */
const MAX_BYTES = 67_108_864
/** What has been announced and has not come, in all of the process, bytes. Beyond that content is kept in parts. */
const MAX_AHEAD_BYTES = 268_435_456

let aheadBytes = 0

/** One body in one piece. */
export class Assembly {
  /** Memory of its own, not of a pool; not cleared first: it is shown when every byte has been written. */
  readonly whole: Uint8Array
  #filled = 0

  private constructor(whole: Uint8Array) {
    this.whole = whole
    aheadBytes += whole.length
  }

  /** Whether so much of what is expected in all has come that a piece may be set aside for it. */
  static due(expectedBytes: number, received: number): boolean {
    return expectedBytes >= MIN_BYTES && expectedBytes <= MAX_BYTES && received * PREALLOCATE_RATIO >= expectedBytes
  }

  /** A piece for what is expected; `undefined` where others have been promised too much, or there is no memory. */
  static begin(expectedBytes: number): Assembly | undefined {
    if (aheadBytes + expectedBytes > MAX_AHEAD_BYTES) return undefined
    try {
      return new Assembly(new Uint8Array(Buffer.allocUnsafeSlow(expectedBytes).buffer))
    } catch {
      // This is called while a connection reads: what one body lacks is no failure of the others.
      return undefined
    }
  }

  /** Copies bytes behind what is there. The engine lets nothing pass beyond what was announced. */
  append(bytes: Uint8Array, start: number, end: number): void {
    this.whole.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#filled)
    this.#filled += end - start
    aheadBytes -= end - start
  }

  /** Nothing more is coming. Once. */
  end(): void {
    aheadBytes -= this.whole.length - this.#filled
  }
}
