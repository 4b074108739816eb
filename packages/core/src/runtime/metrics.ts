/** Counters of one client since it was created. Each is incremented where its event happens; `client.stats()` reads them all here. */

/** The counters at one moment: `client.stats().totals`. */
export interface MetricsSnapshot {
  /** Dials. One may try several addresses. */
  readonly dials: number
  /** TLS handshakes that succeeded. */
  readonly handshakes: number
  /** Requests accepted. */
  readonly requests: number
  /** Requests sent over a connection made for another origin. */
  readonly coalesced: number
  /** Requests sent again. */
  readonly replayed: number
  /** Refusals of a connection or a pending dial for an origin, by reason: see docs/reference/reasons.md. */
  readonly declined: Readonly<Record<string, number>>
  /** Responses with 421, or with a suspected status, on connections made for another origin. */
  readonly misdirected: number
}

/** The counters of a client. */
export class Metrics {
  dials = 0
  handshakes = 0
  requests = 0
  coalesced = 0
  replayed = 0
  misdirected = 0
  readonly #declined = new Map<string, number>()

  /** Counts a connection, or a pending dial, that was refused for an origin. */
  decline(reason: string): void {
    this.#declined.set(reason, (this.#declined.get(reason) ?? 0) + 1)
  }

  /** Returns a copy of all counters. */
  snapshot(): MetricsSnapshot {
    return { ...this, declined: Object.fromEntries(this.#declined) }
  }
}
