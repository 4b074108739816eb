/** From rounds to the cost of growth: CPU time per request or field at every level. Pure. */

import { type Result, ratio } from '../figures.js'
import type { Chart } from '../plot.js'
import { type Claim, describeClaims } from '../report.js'
import { alignedTable } from '../table.js'

/** The dimension that grows. `field`: the cost is also divided by the level. */
export type Growing = 'requests in flight' | 'response fields'

export interface Level {
  readonly growing: Growing
  readonly level: number
  readonly result: Result
}

export const LEVELS: Readonly<Record<Growing, readonly number[]>> = {
  'requests in flight': [1, 10, 100, 1_000, 10_000],
  'response fields': [10, 100, 1_000],
}

export const MAX_GROWTH = 1.3

/** CPU time in µs: per request, or per field of a request. */
export function costOf({ growing, level, result }: Level): number {
  return growing === 'response fields' ? result.cpuMicrosPerRequest / level : result.cpuMicrosPerRequest
}

export function growthClaims(levels: readonly Level[]): Claim[] {
  // A single request in flight is expensive, because each write and read serves it alone. From 100
  // on the cost no longer falls, so that is limited as well.
  return [
    claim(levels, 'requests in flight', 1, 10_000),
    claim(levels, 'requests in flight', 100, 10_000),
    claim(levels, 'response fields', 10, 1_000),
  ]
}

function claim(levels: readonly Level[], growing: Growing, from: number, to: number): Claim {
  const at = (level: number): number => {
    const found = levels.find((each) => each.growing === growing && each.level === level)
    return found === undefined ? Number.NaN : costOf(found)
  }
  const growth = ratio(at(to), at(from))
  const each = growing === 'response fields' ? 'field' : 'request'
  return {
    claim: `CPU per ${each} with ${count(to)} ${growing} <= ${MAX_GROWTH} × that with ${count(from)}`,
    holds: growth <= MAX_GROWTH,
    measured: `${growth.toFixed(2)} ×`,
  }
}

export function describeGrowth(levels: readonly Level[], claims: readonly Claim[]): string {
  const rows = levels.map((each) => {
    const { growing, level, result } = each
    const perField = growing === 'response fields' ? figure(costOf(each), 3) : '-'
    const rate = figure(result.requestsPerSecond, 0)
    return [
      `${count(level)} ${growing}`,
      result.server,
      rate,
      figure(result.cpuMicrosPerRequest, 1),
      perField,
      String(result.errors),
    ]
  })
  const failures = levels.flatMap(({ level, growing, result: { errors, rounds } }) =>
    errors === 0
      ? []
      : [`${level} ${growing}: ${errors} errors, the first: ${rounds.find(({ error }) => error !== undefined)?.error}`],
  )
  const head = ['unshard client.request', 'server', 'requests/s', 'CPU µs/request', 'CPU µs/field', 'errors']
  return [...alignedTable(head, rows), '', ...failures, ...describeClaims(claims)].join('\n')
}

export function growthCharts(levels: readonly Level[]): Chart[] {
  const chart = (growing: Growing, unit: string): Chart => ({
    title: `growth: CPU µs/${unit}, less is better`,
    bars: levels
      .filter((each) => each.growing === growing)
      .map((each) => ({ label: `unshard, ${count(each.level)} ${growing}`, value: costOf(each) })),
  })
  return [chart('requests in flight', 'request'), chart('response fields', 'field')]
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function figure(value: number, places: number): string {
  return Number.isFinite(value)
    ? value.toLocaleString('en-US', { minimumFractionDigits: places, maximumFractionDigits: places })
    : '-'
}
