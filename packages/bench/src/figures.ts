/** From samples to figures: medians, ratios, marks. Pure. */

import type { Sample } from './load.js'
import type { Mark } from './scenarios/scenario.js'

export interface Round {
  readonly requestsPerSecond: number
  readonly cpuMicrosPerRequest: number
  readonly errors: number
  readonly connections?: number
  /** 99th percentile of the event loop delay, in milliseconds. */
  readonly delayMs?: number
  /** Reason for errors or missing figures. */
  readonly error?: string
}

export interface Result {
  readonly name: string
  /** Name of the server. */
  readonly server: string
  /** Median of the rounds. */
  readonly requestsPerSecond: number
  /** Median of the rounds. */
  readonly cpuMicrosPerRequest: number
  /** Median of the rounds; undefined for programs. */
  readonly delayMs?: number
  /** Sum over the rounds. */
  readonly errors: number
  readonly rounds: readonly Round[]
}

/** Ratio to a baseline's rate and to its CPU time per request. */
export interface Ratio {
  readonly rate: number
  readonly cpu: number
}

/** By competitor, then by baseline. */
export type Ratios = Readonly<Record<string, Readonly<Record<string, Ratio>>>>

/**
 * Ratio of two competitors, or milliseconds for the event loop delay. `holds` is undefined if one
 * of the two did not take part.
 */
export type MarkResult = Mark & { readonly ratio: number; readonly holds?: boolean }

/** Returns the middle value, or the mean of the two middle values. NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Returns `value / baseline`, rounded to two places by default; NaN without a baseline. */
export function ratio(value: number, baseline: number | undefined, grain = 100): number {
  if (baseline === undefined || !(baseline > 0)) return Number.NaN
  return Math.round((value / baseline) * grain) / grain
}

/** A round without a response and without an error counts as an error. */
export function roundOf({ requests, seconds, cpuMicros, errors, connections, delayMs, firstError }: Sample): Round {
  if (requests === 0 && errors === 0) return failedRound('no response during the measurement')
  return {
    requestsPerSecond: seconds > 0 ? hundredths(requests / seconds) : 0,
    // The cost of zero requests is unknown; in JSON it is null.
    cpuMicrosPerRequest: requests > 0 ? hundredths(cpuMicros / requests) : Number.NaN,
    errors,
    ...(connections !== undefined && { connections }),
    ...(delayMs !== undefined && { delayMs: hundredths(delayMs) }),
    ...(firstError !== undefined && { error: firstError }),
  }
}

/** A round that ended without a sample counts as one error and is ignored in the medians. */
export function failedRound(error: string): Round {
  return { requestsPerSecond: 0, cpuMicrosPerRequest: Number.NaN, errors: 1, error }
}

export function resultOf(name: string, server: string, rounds: readonly Round[]): Result {
  const measured = rounds.filter((round) => round.requestsPerSecond > 0)
  const delays = measured.flatMap(({ delayMs }) => delayMs ?? [])
  return {
    name,
    server,
    requestsPerSecond: hundredths(median(measured.map((round) => round.requestsPerSecond))),
    cpuMicrosPerRequest: hundredths(median(measured.map((round) => round.cpuMicrosPerRequest))),
    ...(delays.length > 0 && { delayMs: hundredths(median(delays)) }),
    errors: rounds.reduce((sum, round) => sum + round.errors, 0),
    rounds,
  }
}

export function ratiosOf(results: readonly Result[], baselines: readonly string[]): Ratios {
  const present = results.filter(({ name }) => baselines.includes(name))
  const compare = (result: Result): Record<string, Ratio> =>
    Object.fromEntries(
      present.map((baseline) => [
        baseline.name,
        {
          rate: ratio(result.requestsPerSecond, baseline.requestsPerSecond),
          cpu: ratio(result.cpuMicrosPerRequest, baseline.cpuMicrosPerRequest),
        },
      ]),
    )
  return Object.fromEntries(results.map((result) => [result.name, compare(result)]))
}

export function marksOf(marks: readonly Mark[], results: readonly Result[]): MarkResult[] {
  return marks.map((mark) => {
    const competitor = results.find(({ name }) => name === mark.name)
    const baseline = 'baseline' in mark ? results.find(({ name }) => name === mark.baseline) : competitor
    if (competitor === undefined || baseline === undefined) return { ...mark, ratio: Number.NaN }
    if ('delayBelowMs' in mark)
      return { ...mark, ratio: competitor.delayMs ?? Number.NaN, holds: (competitor.delayMs ?? Infinity) < mark.delayBelowMs }
    const cpu = ratio(competitor.cpuMicrosPerRequest, baseline.cpuMicrosPerRequest, 1e6)
    if ('cpuAtMost' in mark) return { ...mark, ratio: cpu, holds: cpu <= mark.cpuAtMost }
    const rate = ratio(competitor.requestsPerSecond, baseline.requestsPerSecond)
    return { ...mark, ratio: rate, holds: rate >= mark.atLeast }
  })
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}
