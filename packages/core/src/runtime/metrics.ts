/** Counters of one client since it was made. Each is incremented where its event happens; `client.stats()` reads them all here. */

/** The counters of `client.stats().totals`. Add a counter as a field here and in `ClientStats`, and increment it where it happens. */
export class Metrics {
  /** TCP connections tried. */
  dials = 0
  /** TLS handshakes that succeeded. */
  handshakes = 0
  /** Requests taken. */
  requests = 0
  /** Requests sent over a connection made for another origin. */
  coalesced = 0
  /** Requests sent again. */
  replayed = 0
  /** Responses with 421, or with a suspected status, on connections made for another origin. */
  misdirected = 0
  readonly #declined = new Map<string, number>()

  /** Counts a connection, or a pending dial, that was refused for an origin. */
  decline(reason: string): void {
    this.#declined.set(reason, (this.#declined.get(reason) ?? 0) + 1)
  }

  /** A copy of all counters. */
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
