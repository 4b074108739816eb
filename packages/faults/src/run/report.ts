/** Report of `pnpm faults`: a line for each failing cell, a table of all cells, and the counts. */

import { type Cell, nameOf } from '../cells.js'
import { FAULTS } from '../fault/all.js'
import { KINDS, PHASES } from '../phases.js'
import type { Result } from './worker.js'

export interface Entry {
  readonly cell: Cell
  /** `undefined` for a cell that could not be run at all. */
  readonly result: Result | undefined
  /** Reason why it was not run. */
  readonly skipped?: string
}

export function failed({ result }: Entry): boolean {
  return (result?.problems.length ?? 0) > 0
}

/** Whether nothing of the cell was run. */
export function skipped({ result }: Entry): boolean {
  return result === undefined || result.runs === 0
}

export function failureLines({ cell, result }: Entry, seed: number): string[] {
  const { fault, phase, kind } = cell
  const lines = (result?.problems ?? []).map((problem) => `FAIL ${nameOf(cell)} ${problem}`)
  return [...lines, `  again: pnpm faults --only ${fault} --phase ${phase} --kind ${kind} --seed ${seed}`]
}

/** One line per fault, one column per phase: `3` passed, `2!` one of three failed, `s` skipped. */
export function tableLines(entries: readonly Entry[]): string[] {
  const width = Math.max(...PHASES.map(({ length }) => length)) + 1
  const lines = [`    ${PHASES.map((phase) => phase.padStart(width)).join('')}`]
  for (const [fault, { says }] of Object.entries(FAULTS)) {
    const row = entries.filter(({ cell }) => cell.fault === fault)
    if (row.length === 0) continue
    const columns = PHASES.map((phase) => mark(row.filter(({ cell }) => cell.phase === phase)).padStart(width))
    lines.push(`${fault} ${columns.join('')}  ${says}`)
  }
  return lines
}

function mark(entries: readonly Entry[]): string {
  if (entries.length === 0) return ''
  if (entries.every(skipped)) return 's'
  const bad = entries.filter(failed).length
  const good = entries.filter((entry) => !failed(entry) && !skipped(entry)).length
  return bad === 0 ? `${good}` : `${good}!`
}

/** `640 passed, 2 failed, 3 skipped (program nft is missing: 3)`. */
export function countsLine(entries: readonly Entry[]): string {
  const reasons = new Map<string, number>()
  for (const entry of entries) {
    const why = entry.skipped === undefined ? (entry.result?.skipped ?? []) : [entry.skipped]
    for (const each of why) reasons.set(each, (reasons.get(each) ?? 0) + 1)
  }
  const summary = [...reasons].map(([why, count]) => `${why}: ${count}`).join(', ')
  const [bad, out] = [entries.filter(failed).length, entries.filter(skipped).length]
  return `${entries.length - bad - out} passed, ${bad} failed, ${out} skipped${summary === '' ? '' : ` (${summary})`}`
}

export function toJson(entries: readonly Entry[], seed: number): string {
  const cells = entries.map((entry) => ({
    ...entry.cell,
    state: failed(entry) ? 'failed' : skipped(entry) ? 'skipped' : 'passed',
    problems: entry.result?.problems ?? [],
    skipped: entry.skipped ?? entry.result?.skipped.join(', ') ?? '',
    ms: Math.round(entry.result?.ms ?? 0),
  }))
  return JSON.stringify({ seed, kinds: KINDS, cells })
}
