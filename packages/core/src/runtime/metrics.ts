/**
 * Counters of one client since its creation. Code that causes an event increments its counter;
 * `client.stats()` reads them.
 */

/** The counters of `client.stats().totals`. Add a counter as a field here and in `ClientStats`, and increment it where it happens. */
export class Metrics {
  /** TCP connection attempts. */
  dials = 0
  /** Successful TLS handshakes. */
  handshakes = 0
  /** Accepted requests. */
  requests = 0
  /** Requests sent over a connection opened for another origin. */
  coalesced = 0
  /** Requests sent again. */
  replayed = 0
  /** Responses with 421, or with a suspected status, on connections opened for another origin. */
  misdirected = 0
  readonly #declined = new Map<string, number>()

  /** Counts a connection, or a pending dial, that was refused for an origin. */
  decline(reason: string): void {
    this.#declined.set(reason, (this.#declined.get(reason) ?? 0) + 1)
  }

  /** Returns a copy of all counters. */
  snapshot(): MetricsSnapshot {
    const { dials, handshakes, requests, coalesced, replayed, misdirected } = this
    return { dials, handshakes, requests, coalesced, replayed, declined: Object.fromEntries(this.#declined), misdirected }
  }
}

/** The counters at one moment. */
export interface MetricsSnapshot {
  readonly dials: number
  readonly handshakes: number
  readonly requests: number
  readonly coalesced: number
  readonly replayed: number
  readonly declined: Readonly<Record<string, number>>
  readonly misdirected: number
}
