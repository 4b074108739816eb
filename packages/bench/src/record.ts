/** What is kept of a run: plots, JSON, and the tables of the documentation, all from the same figures. The text is made purely. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Chart, drawCharts } from './plot.js'
import type { ScenarioReport } from './report.js'

/** A scenario's last run, as it lies in docs/contributing/benchmarks. */
export interface Recorded {
  /** ISO 8601, of the day. */
  readonly date: string
  readonly node: string
  readonly cpu: string
  readonly pinned: boolean
  readonly rounds: number
  readonly seconds: number
  /** The table and the marks as people read them. */
  readonly text: string
  readonly charts: readonly Chart[]
  readonly figures: ScenarioReport['json']
}

export type Conditions = Omit<Recorded, 'text' | 'charts' | 'figures'>

export function recordOf({ text, charts = [], json }: ScenarioReport, conditions: Conditions): Recorded {
  return { ...conditions, text, charts, figures: json }
}

/** Writes `docs/contributing/benchmarks/<scenario>.svg`. Returns the files. */
export function writePlots(docs: string, records: readonly Recorded[]): string[] {
  return records
    .filter(({ charts }) => charts.length > 0)
    .map(({ figures, charts }) => writeBeside(docs, `${figures.name}.svg`, drawCharts(charts)))
}

/** Writes plots, `docs/contributing/benchmarks/<scenario>.json`, and what lies between the markers of `docs/contributing/benchmarks.md`, where it has them. Returns the files. */
export function writeDocs(docs: string, records: readonly Recorded[]): string[] {
  const page = join(docs, 'benchmarks.md')
  const before = readFileSync(page, 'utf8')
  const shown = records.filter(({ figures }) => before.includes(opening(figures.name)))
  writeFileSync(page, shown.reduce(withRecord, before))
  const kept = records.map((record) =>
    writeBeside(docs, `${record.figures.name}.json`, `${JSON.stringify(record, undefined, 2)}\n`),
  )
  return [...writePlots(docs, records), ...kept, ...(shown.length > 0 ? [page] : [])]
}

function writeBeside(docs: string, name: string, text: string): string {
  const folder = join(docs, 'benchmarks')
  if (!existsSync(folder)) mkdirSync(folder)
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

/** The page with that run between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`. @throws Error where it has no such markers. */
export function withRecord(page: string, record: Recorded): string {
  const { name } = record.figures
  const [open, close] = [opening(name), `<!-- /bench:${name} -->`]
  const from = page.indexOf(open)
  const to = page.indexOf(close)
  if (from === -1 || to < from) throw new Error(`docs/contributing/benchmarks.md has no markers ${open} … ${close}`)
  return `${page.slice(0, from + open.length)}\n${between(record)}\n${page.slice(to)}`
}

function between({ date, node, cpu, pinned, rounds, seconds, text, charts, figures: { name } }: Recorded): string {
  const picture = charts.length > 0 ? `\n![${name}](benchmarks/${name}.svg)\n` : ''
  const where = pinned ? 'servers and clients on cores of their own' : 'not pinned to cores'
  return `${date}, Node.js ${node}, ${cpu}, ${where}, ${rounds} rounds of ${seconds} s:

\`\`\`
${text}
\`\`\`
${picture}`
}

function opening(name: string): string {
  return `<!-- bench:${name} -->`
}
