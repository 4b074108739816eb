/** From samples to figures: medians, ratios, marks. Pure. */

import type { Sample } from './load.js'
import type { Mark } from './scenarios/scenario.js'

export interface Round {
  readonly requestsPerSecond: number
  readonly cpuMicrosPerRequest: number
  readonly errors: number
  readonly connections?: number
  /** Why there are errors, or no figures at all. */
  readonly error?: string
}

export interface Result {
  readonly name: string
  /** The program it asked. */
  readonly server: string
  /** Median of the rounds. */
  readonly requestsPerSecond: number
  /** Median of the rounds. */
  readonly cpuMicrosPerRequest: number
  /** Sum over the rounds. */
  readonly errors: number
  readonly rounds: readonly Round[]
}

/** How many times a baseline's rate, and how much of its CPU time per request. */
export interface Ratio {
  readonly rate: number
  readonly cpu: number
}

/** By competitor, then by baseline. */
export type Ratios = Readonly<Record<string, Readonly<Record<string, Ratio>>>>

export interface MarkResult extends Mark {
  readonly ratio: number
  readonly holds: boolean
}

/** The middle value; between two, their mean. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** `value / baseline` to two places; NaN where there is no baseline. */
export function ratio(value: number, baseline: number | undefined): number {
  if (baseline === undefined || !(baseline > 0)) return Number.NaN
  return hundredths(value / baseline)
}

/** A round without an answer and without an error is an error too. */
export function roundOf({ requests, seconds, cpuMicros, errors, connections, firstError }: Sample): Round {
  if (requests === 0 && errors === 0) return failedRound('no answer while it was measured')
  return {
    requestsPerSecond: seconds > 0 ? Math.round(requests / seconds) : 0,
    // Of no requests the cost is not known; in JSON that is null.
    cpuMicrosPerRequest: requests > 0 ? hundredths(cpuMicros / requests) : Number.NaN,
    errors,
    ...(connections !== undefined && { connections }),
    ...(firstError !== undefined && { error: firstError }),
  }
}

/** A round that ended without a sample counts as one error, and not at all in the medians. */
export function failedRound(error: string): Round {
  return { requestsPerSecond: 0, cpuMicrosPerRequest: Number.NaN, errors: 1, error }
}

export function resultOf(name: string, server: string, rounds: readonly Round[]): Result {
  const measured = rounds.filter((round) => round.requestsPerSecond > 0)
  return {
    name,
    server,
    requestsPerSecond: Math.round(median(measured.map((round) => round.requestsPerSecond))),
    cpuMicrosPerRequest: hundredths(median(measured.map((round) => round.cpuMicrosPerRequest))),
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
  const rateOf = (wanted: string): number => results.find(({ name }) => name === wanted)?.requestsPerSecond ?? Number.NaN
  return marks.map((mark) => {
    const reached = ratio(rateOf(mark.name), rateOf(mark.baseline))
    return { ...mark, ratio: reached, holds: reached >= mark.atLeast }
  })
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}
