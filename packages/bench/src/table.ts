/** What people read: a result as an aligned table. Pure. */

import { OWN_SERVER } from './competitor.js'
import type { Result } from './figures.js'
import type { ScenarioResult } from './runner.js'

const SLOW_SERVER = `${OWN_SERVER} server is slower than the fast clients: their rate is its rate, compare their CPU time`

/** Lines of a scenario: the table, who is missing, whether the marks hold. */
export function describeScenario({ name, title, results, ratios, marks, skipped }: ScenarioResult): string {
  const baselines = Object.keys(Object.values(ratios)[0] ?? {})
  const head = ['client', 'server', 'requests/s', 'CPU µs/request', 'errors', ...baselines.map((baseline) => `× ${baseline}`)]
  const rows = results.map((result) => [
    result.name,
    result.server,
    decimal(result.requestsPerSecond, 0),
    decimal(result.cpuMicrosPerRequest, 1),
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
    ...marks.map(
      (mark) =>
        `${mark.name} >= ${mark.atLeast} × ${mark.baseline}: ${mark.holds ? 'holds' : 'DOES NOT HOLD'} (${decimal(mark.ratio, 2)} ×)`,
    ),
  ].join('\n')
}

/** The first two columns to the left, numbers to the right. */
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
    : [`${name}: ${errors} errors, the first: ${rounds.find(({ error }) => error !== undefined)?.error ?? 'not told'}`]
}

function decimal(value: number | undefined, places: number): string {
  if (value === undefined || !Number.isFinite(value)) return '-'
  return value.toLocaleString('en-US', { minimumFractionDigits: places, maximumFractionDigits: places })
}
