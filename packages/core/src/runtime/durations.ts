/**
 * Distributions of durations: histograms with fixed memory, as `client.stats()` summarizes them. Each
 * power of two has the same number of counters, so that the relative error is the same everywhere.
 */

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
/** 128 counters for each power of two: values differ from their counter by at most 0.4 %. */
const COUNTER_BITS = 7
const COUNTERS = indexOf(HIGHEST) + 1
const NONE: DurationStats = { count: 0, minMs: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 }

/** The counter of a value. Small values have one each. */
function indexOf(micros: number): number {
  const shift = Math.max(0, 31 - Math.clz32(micros) - COUNTER_BITS)
  return (shift << COUNTER_BITS) + (micros >>> shift)
}

/** The middle of the values of a counter. */
function middleOf(index: number): number {
  const shift = Math.max(0, (index >>> COUNTER_BITS) - 1)
  const width = 2 ** shift
  return (index - (shift << COUNTER_BITS)) * width + (width - 1) / 2
}

/** The distribution of one duration. Takes 13 kB once the first is recorded. */
class Distribution {
  #counters: Uint32Array | undefined
  #count = 0
  #sum = 0
  #min = HIGHEST
  #max = 0

  /** @param micros a whole number of microseconds. */
  record(micros: number): void {
    const value = Math.min(Math.max(micros, LOWEST), HIGHEST)
    this.#counters ??= new Uint32Array(COUNTERS)
    this.#counters[indexOf(value)]!++
    this.#count++
    this.#sum += value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }

  snapshot(): DurationStats {
    const count = this.#count
    if (count === 0) return NONE
    return {
      count,
      minMs: this.#min / 1000,
      meanMs: this.#sum / count / 1000,
      p50Ms: this.#percentile(50) / 1000,
      p90Ms: this.#percentile(90) / 1000,
      p99Ms: this.#percentile(99) / 1000,
      maxMs: this.#max / 1000,
    }
  }

  #percentile(percent: number): number {
    const rank = Math.ceil((percent / 100) * this.#count)
    let index = -1
    for (let below = 0; below < rank; ) below += this.#counters![++index]!
    return Math.min(Math.max(middleOf(index), this.#min), this.#max)
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
