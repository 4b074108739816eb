/** Counters of one client since it was created. Each is incremented where its event happens; `client.stats()` reads them all here. */

import { UnshardError } from '../errors/errors.js'

/** The counters at one moment: `client.stats().totals`. */
export interface MetricsSnapshot {
  /** Dials. One may try several addresses. */
  readonly dials: number
  /** Dials that failed, by error code. */
  readonly failedDials: Readonly<Record<string, number>>
  /** TLS handshakes that succeeded. */
  readonly handshakes: number
  /** TLS handshakes that resumed a session. */
  readonly resumed: number
  /** Requests accepted. */
  readonly requests: number
  /** Requests whose whole response was received. */
  readonly finished: number
  /** Requests that failed, by error code; `aborted` for those that their callers ended. */
  readonly failed: Readonly<Record<string, number>>
  /** Requests sent over a connection made for another origin. */
  readonly coalesced: number
  /** Requests sent again. */
  readonly replayed: number
  /** Refusals of a connection or a pending dial for an origin, by reason: see docs/reference/reasons.md. */
  readonly declined: Readonly<Record<string, number>>
  /** Responses with 421, or with a suspected status, on connections made for another origin. */
  readonly misdirected: number
  /** GOAWAY frames received. */
  readonly goaways: number
  /** Connections closed, by reason: see docs/reference/stats.md. */
  readonly closed: Readonly<Record<string, number>>
}

/** The counters of a client. */
export class Metrics {
  dials = 0
  handshakes = 0
  resumed = 0
  requests = 0
  finished = 0
  coalesced = 0
  replayed = 0
  misdirected = 0
  goaways = 0
  readonly #declined = new Map<string, number>()
  readonly #failed = new Map<string, number>()
  readonly #failedDials = new Map<string, number>()
  readonly #closed = new Map<string, number>()

  /** Counts a connection, or a pending dial, that was refused for an origin. */
  decline(reason: string): void {
    count(this.#declined, reason)
  }

  /** Counts a request that failed. */
  fail(error: unknown): void {
    count(this.#failed, codeOf(error))
  }

  /** Counts a dial that failed. */
  failDial(error: unknown): void {
    count(this.#failedDials, codeOf(error))
  }

  /** Counts a connection that was closed. */
  close(reason: string): void {
    count(this.#closed, reason)
  }

  /** Returns a copy of all counters. */
  snapshot(): MetricsSnapshot {
    return {
      ...this,
      declined: Object.fromEntries(this.#declined),
      failed: Object.fromEntries(this.#failed),
      failedDials: Object.fromEntries(this.#failedDials),
      closed: Object.fromEntries(this.#closed),
    }
  }
}

/** Maximum number of different codes: system errors of user-supplied functions may have any. */
const MAX_CODES = 256

function count(counts: Map<string, number>, name: string): void {
  const known = counts.get(name)
  if (known !== undefined || counts.size < MAX_CODES) counts.set(name, (known ?? 0) + 1)
}

/** The code of an error of this client, or of the system; `aborted` for a caller's reason. */
function codeOf(error: unknown): string {
  if (!(error instanceof UnshardError)) return 'aborted'
  return error.code
}
