/**
 * Collects content of known length in one preallocated buffer: each part is copied as it arrives. A
 * list would retain all parts until the last one, and cost garbage collection far more than the
 * copy.
 */

/** Size below which content is kept in parts, in bytes. */
const MIN_BYTES = 65_536
/** Maximum ratio of allocated to received bytes. Unwritten pages cost only address space. */
const PREALLOCATE_RATIO = 16
/** Size above which content is kept in parts, in bytes: the first copy would block too long. */
const MAX_BYTES = 67_108_864
/**
 * Maximum bytes allocated but not yet received, in the whole process. Above this, content is kept
 * in parts.
 */
const MAX_AHEAD_BYTES = 268_435_456

let aheadBytes = 0

/** One body in one buffer. */
export class PreallocatedBody {
  /**
   * The buffer, outside any pool. Not cleared: it is exposed only when every byte has been written.
   */
  readonly whole: Uint8Array
  #filled = 0

  private constructor(whole: Uint8Array) {
    this.whole = whole
    aheadBytes += whole.length
  }

  /** Whether enough of the expected bytes has been received to allocate a buffer. */
  static due(expectedBytes: number, received: number): boolean {
    return expectedBytes >= MIN_BYTES && expectedBytes <= MAX_BYTES && received * PREALLOCATE_RATIO >= expectedBytes
  }

  /** Allocates a buffer; `undefined` if the process limit is reached or memory is exhausted. */
  static begin(expectedBytes: number): PreallocatedBody | undefined {
    if (aheadBytes + expectedBytes > MAX_AHEAD_BYTES) return undefined
    try {
      return new PreallocatedBody(new Uint8Array(Buffer.allocUnsafeSlow(expectedBytes).buffer))
    } catch {
      // Do not throw while a connection reads: that would fail its other streams.
      return undefined
    }
  }

  /** Appends bytes. The engine never passes more than the announced length. */
  append(bytes: Uint8Array, start: number, end: number): void {
    this.whole.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#filled)
    this.#filled += end - start
    aheadBytes -= end - start
  }

  /** Ends the body. Call once. */
  end(): void {
    aheadBytes -= this.whole.length - this.#filled
  }
}
