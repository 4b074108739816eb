/** A priority queue of callbacks by time, then by the order in which they were added. */

/** A callback that will be called once. */
export interface QueuedEvent {
  at: number
  sequence: number
  /** `undefined` once it was canceled or called. */
  callback: (() => void) | undefined
}

/** Resolution of times, in parts of a millisecond: a power of two, so that sums and differences of times are exact. */
const TICKS = 1_024

export class EventQueue {
  readonly #heap: QueuedEvent[] = []
  #sequence = 0

  add(at: number, callback: () => void): QueuedEvent {
    const event = { at, sequence: 0, callback }
    this.push(event)
    return event
  }

  /** Number of events that were added. */
  get added(): number {
    return this.#sequence
  }

  /** Adds an event that the caller has made. Sets its sequence. */
  push(event: QueuedEvent): void {
    event.at = Math.ceil(event.at * TICKS) / TICKS
    event.sequence = this.#sequence++
    this.#heap.push(event)
    this.#raise(this.#heap.length - 1)
  }

  /** Time of the next event; Infinity without one. */
  get nextAt(): number {
    this.#dropCanceled()
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  /** Removes and returns the next event that is due at `now`. */
  take(now: number): QueuedEvent | undefined {
    return this.nextAt <= now ? this.#shift() : undefined
  }

  #dropCanceled(): void {
    const heap = this.#heap
    while (heap.length > 0 && heap[0]!.callback === undefined) this.#shift()
  }

  #shift(): QueuedEvent {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) {
      heap[0] = last
      this.#sink()
    }
    return first
  }

  #raise(at: number): void {
    const heap = this.#heap
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(heap[at]!, heap[parent]!)) return
      ;[heap[at], heap[parent]] = [heap[parent]!, heap[at]!]
      at = parent
    }
  }

  #sink(): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child
      }
      if (least === at) return
      ;[heap[at], heap[least]] = [heap[least]!, heap[at]!]
      at = least
    }
  }
}

function isBefore(one: QueuedEvent, other: QueuedEvent): boolean {
  return one.at < other.at || (one.at === other.at && one.sequence < other.sequence)
}
