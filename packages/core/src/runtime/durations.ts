/** Distributions of durations: histograms with fixed memory, as `client.stats()` summarizes them. */

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** A distribution of durations at one moment. Each member but `count` is in milliseconds, and 0 if `count` is. */
export interface DurationStats {
  /** Number of durations. */
  readonly count: number
  readonly minMs: number
  readonly meanMs: number
  /** Percentiles, exact to 1 %: half of the durations are at most `p50Ms`. */
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Durations are recorded in microseconds: between one and an hour. */
const LOWEST = 1
const HIGHEST = 3_600_000_000
const NONE: DurationStats = { count: 0, minMs: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 }

/** The distribution of one duration. Takes 27 kB once the first is recorded. */
class Distribution {
  #histogram: RecordableHistogram | undefined

  /** @param micros a whole number of microseconds. */
  record(micros: number): void {
    this.#histogram ??= createHistogram({ lowest: LOWEST, highest: HIGHEST, figures: 2 })
    this.#histogram.record(Math.min(Math.max(micros, LOWEST), HIGHEST))
  }

  snapshot(): DurationStats {
    const histogram = this.#histogram
    if (histogram === undefined) return NONE
    const percentile = (percent: number): number => histogram.percentile(percent) / 1000
    return {
      count: histogram.count,
      minMs: histogram.min / 1000,
      meanMs: histogram.mean / 1000,
      p50Ms: percentile(50),
      p90Ms: percentile(90),
      p99Ms: percentile(99),
      maxMs: histogram.max / 1000,
    }
  }
}

/** The distributions of a client: `client.stats().durations`. */
export interface DurationsSnapshot {
  /** From the request to the last byte of its response, of requests that have finished. */
  readonly request: DurationStats
  /** From the request to the fields of its response, of requests that have finished. */
  readonly headers: DurationStats
  /** From the request to its connection, of requests that had to wait for one. */
  readonly queue: DurationStats
  /** Lookups of dials that succeeded; cached answers take no time and are not counted. */
  readonly dns: DurationStats
  /** TCP connections that succeeded, tunnels of proxies included. */
  readonly connect: DurationStats
  /** TLS handshakes that succeeded. */
  readonly tls: DurationStats
  /** Round trips of PING frames. */
  readonly ping: DurationStats
}

/** Records the durations of a client. */
export class Durations {
  readonly #distributions: { readonly [Name in keyof DurationsSnapshot]: Distribution } = {
    request: new Distribution(),
    headers: new Distribution(),
    queue: new Distribution(),
    dns: new Distribution(),
    connect: new Distribution(),
    tls: new Distribution(),
    ping: new Distribution(),
  }

  /** Records a request that has finished. */
  finished(headersMicros: number, endMicros: number): void {
    this.#distributions.headers.record(headersMicros)
    this.#distributions.request.record(endMicros)
  }

  /** Records one duration. */
  record(name: keyof DurationsSnapshot, ms: number): void {
    this.#distributions[name].record(Math.round(ms * 1000))
  }

  /** Summarizes all distributions. */
  snapshot(): DurationsSnapshot {
    const entries = Object.entries(this.#distributions).map(([name, distribution]) => [name, distribution.snapshot()])
    return Object.fromEntries(entries) as DurationsSnapshot
  }
}
