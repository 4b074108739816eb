/** Counts of the suites on each runtime: kept in a file, from which the page of documentation is written. */

import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Counts of one suite on one runtime. */
export interface SuiteCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Counts of one runtime. */
export interface RuntimeCounts {
  readonly title: string
  readonly version: string
  /** By the names of suites. */
  readonly suites: Readonly<Record<string, SuiteCounts>>
  /** Number of skipped tests by reason. */
  readonly skipped: Readonly<Record<string, number>>
}

/** By the names of runtimes. */
export type Results = Readonly<Record<string, RuntimeCounts>>

/** Names of suites, in the order of the table. */
const SUITES = [
  ...['core', 'coalescing', 'adapters', 'client', 'interfaces', 'sharing', 'misdirected', 'resumption'],
  ...['fresh', 'misroutes'],
]

const HERE = dirname(fileURLToPath(import.meta.url))
const FILE = join(HERE, '../results.json')
const PAGE = join(HERE, '../../../docs/reference/runtimes.md')
const MARKS = ['<!-- counts: npm run runtimes -- --docs -->', '<!-- /counts -->'] as const

/** Returns the kept results. */
export async function readResults(): Promise<Results> {
  return JSON.parse(await readFile(FILE, 'utf8').catch(() => '{}')) as Results
}

/** Replaces the results of runtimes that ran, and the tables of the page. */
export async function keepResults(ran: Results): Promise<void> {
  const results = { ...(await readResults()), ...ran }
  await writeFile(FILE, `${JSON.stringify(results, null, 2)}\n`)
  const page = await readFile(PAGE, 'utf8')
  await writeFile(PAGE, withTables(page, results))
}

/** Returns the page with these results between its marks. */
export function withTables(page: string, results: Results): string {
  const [start, end] = MARKS.map((mark) => page.indexOf(mark)) as [number, number]
  if (start === -1 || end < start) throw new Error(`the page has no marks ${MARKS.join(' and ')}`)
  return `${page.slice(0, start)}${MARKS[0]}\n\n${tablesOf(results)}\n${page.slice(end)}`
}

/** Returns the two tables: counts by suite, and skipped tests by reason. */
export function tablesOf(results: Results): string {
  const runtimes = Object.values(results)
  const suites = SUITES.filter((suite) => runtimes.some(({ suites: each }) => suite in each))
  const counts = [
    row(['suite', ...runtimes.map(({ title, version }) => `${title} ${version}`)]),
    row(['---', ...runtimes.map(() => '--:')]),
    ...suites.map((suite) => row([suite, ...runtimes.map((each) => cellOf(each.suites[suite]))])),
  ]
  const reasons = runtimes.flatMap(({ title, version, skipped }) =>
    Object.entries(skipped).map(([reason, count]) => row([`${title} ${version}`, String(count), reason])),
  )
  const why = reasons.length === 0 ? [] : ['', row(['runtime', 'skipped', 'reason']), row(['---', '--:', '---']), ...reasons]
  return `${[...counts, ...why].join('\n')}\n`
}

function cellOf(counts: SuiteCounts | undefined): string {
  if (counts === undefined) return '–'
  const { passed, failed, skipped } = counts
  const parts = [passed.toLocaleString('en')]
  if (failed > 0) parts.push(`**${failed} failed**`)
  if (skipped > 0) parts.push(`${skipped} skipped`)
  return parts.join(', ')
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
