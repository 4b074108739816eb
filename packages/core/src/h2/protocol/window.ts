/**
 * Flow-control windows (RFC 9113 §5.2, §6.9): what the peer may still send us, when to give credit back, and how a stream's
 * window grows while its reader keeps up. Plain arithmetic; knows no frames.
 */

/** Bytes of receive window that all connections of a client may grant beyond each stream's start. */
export class WindowBudget {
  #free: number

  constructor(totalBytes: number) {
    this.#free = totalBytes
  }

  /** Bytes still to be granted. */
  get freeBytes(): number {
    return this.#free
  }

  /** Takes up to `bytes`, and never more than half of what is left: there may be others. Says how many were granted. */
  take(bytes: number): number {
    const granted = Math.min(bytes, Math.ceil(this.#free / 2))
    this.#free -= granted
    return granted
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#free += bytes
  }
}

/** No window grows beyond this, bytes: 1.3 Gbit/s over a round trip of 100 ms. One that starts larger stays as it is. */
const LARGEST_GROWN_BYTES = 16_777_216

/** What the peer may send, on a stream or on the whole connection. */
export class ReceiveWindow {
  /** The most that may be outstanding at once, in bytes. */
  size: number
  /** What the peer may still send before it needs credit. */
  available: number
  /** Consumed bytes for which no WINDOW_UPDATE was sent yet. */
  #uncredited = 0

  constructor(size: number) {
    this.size = size
    this.available = size
  }

  /** Counts bytes that arrived. False when the peer has sent more than it may (RFC 9113 §6.9.1). */
  receive(bytes: number): boolean {
    this.available -= bytes
    return this.available >= 0
  }

  /**
   * Counts bytes as consumed. Returns the increment to announce now, 0 while it is not yet worth a frame: credit is given in
   * halves of the window, so that a stream of small reads does not become a stream of WINDOW_UPDATE frames.
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
   * Enlarges the window by up to `bytes` from `budget`; returns the further increment to announce. A reader that keeps up does so on any
   * path, and without a clock nobody can tell which of them needs more: so there is a size that is enough for all that are likely.
   */
  grow(bytes: number, budget: WindowBudget): number {
    const granted = budget.take(Math.max(0, Math.min(bytes, LARGEST_GROWN_BYTES - this.size)))
    this.size += granted
    this.available += granted
    return granted
  }
}
