/**
 * Receive windows (RFC 9113 §5.2, §6.9): how much the peer may send, when to return credit, and how
 * a stream's window grows while its reader keeps up. Only arithmetic; must not know frames.
 */

/**
 * Budget of all connections of a client for growing receive windows beyond their initial size, in
 * bytes.
 */
export class WindowBudget {
  #free: number

  constructor(totalBytes: number) {
    this.#free = totalBytes
  }

  /** Bytes left in the budget. */
  get freeBytes(): number {
    return this.#free
  }

  /**
   * Takes up to `bytes`, but at most half of the rest, to leave some for others. Returns the bytes
   * granted.
   */
  take(bytes: number): number {
    const granted = Math.min(bytes, Math.ceil(this.#free / 2))
    this.#free -= granted
    return granted
  }

  /** Returns bytes to the budget. */
  give(bytes: number): void {
    this.#free += bytes
  }
}

/**
 * Maximum size of a grown window, in bytes: 1.3 Gbit/s at a round-trip time of 100 ms. A larger
 * initial window is kept.
 */
const LARGEST_GROWN_BYTES = 16_777_216

/** The receive window of a stream or of the connection. */
export class ReceiveWindow {
  /** Maximum bytes outstanding at once. */
  size: number
  /** Bytes that the peer may still send before it needs credit. */
  available: number
  /** Consumed bytes without a WINDOW_UPDATE so far. */
  #uncredited = 0

  constructor(size: number) {
    this.size = size
    this.available = size
  }

  /** Counts received bytes. Returns false if the peer exceeded the window (RFC 9113 §6.9.1). */
  receive(bytes: number): boolean {
    this.available -= bytes
    return this.available >= 0
  }

  /**
   * Counts consumed bytes. Returns the increment to send now, or 0: credit is returned in halves of
   * the window, so that small reads do not cause a WINDOW_UPDATE each.
   */
  consume(bytes: number): number {
    this.#uncredited += bytes
    if (this.#uncredited < this.size / 2) return 0
    const increment = this.#uncredited
    this.#uncredited = 0
    this.available += increment
    return increment
  }

  /**
   * Enlarges the window by up to `bytes` from `budget`. Returns the additional increment to send.
   * Without a clock the bandwidth-delay product is unknown, so windows grow to a size that suits
   * likely paths.
   */
  grow(bytes: number, budget: WindowBudget): number {
    const granted = budget.take(Math.max(0, Math.min(bytes, LARGEST_GROWN_BYTES - this.size)))
    this.size += granted
    this.available += granted
    return granted
  }
}
