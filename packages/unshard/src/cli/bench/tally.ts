/** Counts of a measurement, in bounded memory. */

import { createHistogram } from 'node:perf_hooks'

const MAX_MICROSECONDS = 3_600_000_000

/** Latencies in milliseconds. They are exact to 0.1 %. */
export interface Latencies {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** Responses, failures and latencies. */
export class Tally {
  readonly #histogram = createHistogram({ lowest: 1, highest: MAX_MICROSECONDS, figures: 3 })
  readonly #statuses = new Map<number, number>()
  readonly #errors = new Map<string, number>()
  readonly protocols: Set<string> = new Set()
  /** Responses that were received as a whole. */
  succeeded = 0
  failed = 0
  /** Bytes of content. */
  bytes = 0

  /** Counts a response. */
  response(status: number, protocol: string, bytes: number, latencyMs: number): void {
    this.succeeded++
    this.bytes += bytes
    this.protocols.add(protocol)
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1)
    this.#histogram.record(Math.min(MAX_MICROSECONDS, Math.max(1, Math.round(latencyMs * 1_000))))
  }

  /** Counts a request without a whole response. */
  failure(code: string): void {
    this.failed++
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
  }

  /** Responses by status, in order. */
  get statuses(): Record<string, number> {
    return Object.fromEntries([...this.#statuses].sort(([a], [b]) => a - b))
  }

  /** Failures by error code, the most frequent first. */
  get errors(): Record<string, number> {
    return Object.fromEntries([...this.#errors].sort(([, a], [, b]) => b - a))
  }

  /** Latencies of the responses; `undefined` without one. */
  get latencies(): Latencies | undefined {
    if (this.succeeded === 0) return undefined
    const at = (percentile: number): number => this.#histogram.percentile(percentile) / 1_000
    return { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: this.#histogram.max / 1_000 }
  }
}
