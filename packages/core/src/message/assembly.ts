/**
 * Content that is wanted whole, and whose length was announced: every part is copied into its place as it arrives, and let go. A list of
 * parts would hold the memory of each until the last is there, and cost garbage collection far more than the copy.
 */

/** Shorter content comes in a few parts: those are kept. Octets. */
const MIN_BYTES = 65_536
/** A peer makes us set aside at the most so many times what it has sent. Pages that nothing is written to cost address space alone. */
const BELIEVED = 16
/** More is not set aside in one piece for an announcement: Node's limit is 4 GiB and more. Octets. */
const MAX_BYTES = 268_435_456

/** One body in one piece. */
export class Assembly {
  /** Memory of its own, not of a pool; not cleared first: it is shown when every octet has been written. */
  readonly whole: Uint8Array
  #filled = 0

  private constructor(bytes: number) {
    this.whole = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
  }

  /** One for what is expected in all, once enough of it has come for that to be believed. */
  static begin(expectedBytes: number, received: number): Assembly | undefined {
    if (expectedBytes < MIN_BYTES || expectedBytes > MAX_BYTES || received * BELIEVED < expectedBytes) return undefined
    return new Assembly(expectedBytes)
  }

  /** Copies octets behind what is there. The engine lets nothing pass beyond what was announced. */
  append(bytes: Uint8Array, start: number, end: number): void {
    this.whole.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#filled)
    this.#filled += end - start
  }
}
