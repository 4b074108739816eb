/** Formats a result as an aligned table and as bars. Pure. */

import { OWN_SERVER } from './competitor.js'
import type { MarkResult, Result } from './figures.js'
import type { Chart } from './plot.js'
import { type Claim, describeClaims } from './report.js'
import type { ScenarioResult } from './runner.js'
import type { Mark } from './scenarios/scenario.js'

const SLOW_SERVER = `${OWN_SERVER} server is slower than the fast clients: their rate is its rate, compare their CPU time`

/** Returns the lines of a scenario: the table, skipped competitors, and whether the marks hold. */
export function describeScenario(scenario: ScenarioResult): string {
  const { name, title, results, ratios, marks, skipped } = scenario
  const baselines = Object.keys(Object.values(ratios)[0] ?? {})
  const columns = columnsOf(scenario)
  const head = ['client', 'server', ...columns.map(({ head }) => head), 'errors', ...baselines.map((baseline) => `× ${baseline}`)]
  const rows = results.map((result) => [
    result.name,
    result.server,
    ...columns.map(({ value, places }) => decimal(value(result), places)),
    String(result.errors),
    ...baselines.map((baseline) => decimal(ratios[result.name]?.[baseline]?.rate, 2)),
  ])
  return [
    `${name}: ${title}`,
    '',
    ...alignedTable(head, rows),
    '',
    ...results.flatMap(firstError),
    ...(results.some(({ server }) => server === OWN_SERVER) ? [SLOW_SERVER] : []),
    ...skipped.map((missing) => `without ${missing.name}: ${missing.because}`),
    ...describeClaims(marks.map(claimOf)),
  ].join('\n')
}

interface Column {
  readonly head: string
  readonly places: number
  /** Title of the chart; without it the column is not drawn. */
  readonly title?: string
  value(result: Result): number | undefined
}

/** If bytes are measured, rates are in MB/s and costs per GB. */
function columnsOf({ movedBytes, marks }: ScenarioResult): Column[] {
  const rate: Column =
    movedBytes === undefined
      ? { head: 'requests/s', places: 0, title: 'requests/s, more is better', value: (each) => each.requestsPerSecond }
      : { head: 'MB/s', places: 0, title: 'MB/s, more is better', value: (each) => (each.requestsPerSecond * movedBytes) / 1e6 }
  const cpu: Column =
    movedBytes === undefined
      ? {
          head: 'CPU µs/request',
          places: 1,
          title: 'CPU µs/request, less is better',
          value: (each) => each.cpuMicrosPerRequest,
        }
      : {
          head: 'CPU s/GB',
          places: 2,
          title: 'CPU s/GB, less is better',
          value: (each) => (each.cpuMicrosPerRequest * 1000) / movedBytes,
        }
  const delay: Column = { head: 'loop p99 ms', places: 1, value: (each) => each.delayMs }
  return [rate, cpu, ...(marks.some((mark) => 'delayBelowMs' in mark) ? [delay] : [])]
}

export function chartsOf(scenario: ScenarioResult): Chart[] {
  return columnsOf(scenario).flatMap(({ title, value }) =>
    title === undefined
      ? []
      : [
          {
            title: `${scenario.name}: ${title}`,
            bars: scenario.results.map((each) => ({ label: each.name, value: value(each) ?? Number.NaN })),
          },
        ],
  )
}

function claimOf(mark: MarkResult): Claim {
  const measured =
    'delayBelowMs' in mark ? `${decimal(mark.ratio, 1)} ms` : `${decimal(mark.ratio, 'cpuAtMost' in mark ? 3 : 2)} ×`
  return { claim: describeMark(mark), measured, ...(mark.holds !== undefined && { holds: mark.holds }) }
}

export function describeMark(mark: Mark): string {
  if ('delayBelowMs' in mark) return `event loop's delay, p99, of ${mark.name} < ${mark.delayBelowMs} ms`
  if ('atLeast' in mark) return `${mark.name} >= ${mark.atLeast} × ${mark.baseline}`
  const { cpuAtMost } = mark
  const times = cpuAtMost < 1 ? `1/${Math.round(1 / cpuAtMost)}` : `${cpuAtMost} ×`
  return `CPU of ${mark.name} <= ${times} ${mark.baseline}`
}

/** Aligns the first two columns to the left, numbers to the right. */
export function alignedTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  return [head, widths.map((width) => '─'.repeat(width)), ...rows].map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}

function firstError({ name, errors, rounds }: Result): string[] {
  return errors === 0
    ? []
    : [`${name}: ${errors} errors, the first: ${rounds.find(({ error }) => error !== undefined)?.error ?? 'no error recorded'}`]
}

function decimal(value: number | undefined, places: number): string {
  if (value === undefined || !Number.isFinite(value)) return '-'
  return value.toLocaleString('en-US', { minimumFractionDigits: places, maximumFractionDigits: places })
}
