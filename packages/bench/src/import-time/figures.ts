/** From turns to the time of imports and first requests. Pure. */

import { median } from '../figures.js'
import type { Chart } from '../plot.js'
import { type Claim, describeClaims } from '../report.js'
import { alignedTable } from '../table.js'
import type { ImportTurn } from './subjects.js'

export interface Timing {
  readonly name: string
  readonly kind: 'import' | 'first request'
  /** Median of the turns without an error; for imports, minus the time of importing nothing. */
  readonly ms: number
  readonly turns: readonly ImportTurn[]
}

export const MAX_IMPORT_MS = 40
/** Limit in addition to the time of the built-in fetch. */
export const MAX_FIRST_MS = 15

export function timingOf(name: string, kind: Timing['kind'], turns: readonly ImportTurn[], offMs = 0): Timing {
  return { name, kind, ms: median(turns.flatMap((turn) => ('ms' in turn ? turn.ms : []))) - offMs, turns }
}

export function importClaims(timings: readonly Timing[]): Claim[] {
  const of = (kind: Timing['kind'], name: string): number =>
    timings.find((each) => each.kind === kind && each.name === name)?.ms ?? Number.NaN
  const imported = of('import', 'unshard')
  const beyond = of('first request', 'unshard fetch') - of('first request', 'built-in fetch')
  return [
    {
      claim: `importing unshard <= ${MAX_IMPORT_MS} ms`,
      holds: imported <= MAX_IMPORT_MS,
      measured: `${imported.toFixed(1)} ms`,
    },
    {
      claim: `first request of a process, by unshard fetch <= built-in fetch's + ${MAX_FIRST_MS} ms`,
      holds: beyond <= MAX_FIRST_MS,
      measured: `${beyond < 0 ? '-' : '+'} ${Math.abs(beyond).toFixed(1)} ms`,
    },
  ]
}

export function describeImports(timings: readonly Timing[], claims: readonly Claim[]): string {
  const rows = timings.map(({ name, kind, ms }) => [name, kind, Number.isFinite(ms) ? ms.toFixed(1) : '-'])
  return [...alignedTable(['what', '', 'ms'], rows), '', ...failuresOf(timings), ...describeClaims(claims)].join('\n')
}

export function failuresOf(timings: readonly Timing[]): string[] {
  return timings.flatMap(({ name, turns }) => turns.flatMap((turn) => ('error' in turn ? [`${name}: ${turn.error}`] : [])))
}

export function importCharts(timings: readonly Timing[]): Chart[] {
  return (['import', 'first request'] as const).map((kind) => ({
    title: `import-time: ${kind}, ms, less is better`,
    bars: timings.filter((each) => each.kind === kind).map(({ name, ms }) => ({ label: name, value: ms })),
  }))
}
