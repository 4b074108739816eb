/** Text of `unshard har`: one line for each entry. */

import type { Colors } from '../colors.js'
import { byteSize, counted, milliseconds } from '../format.js'
import { lineForTerminal } from '../terminal.js'
import { type HarLine, originText } from './entries.js'
import { byConnection, firstStart, isFailed, type Totals } from './select.js'

/** How entries are printed. */
export interface HarPrint {
  readonly lines: readonly HarLine[]
  readonly totals: Totals
  readonly isGrouped: boolean
  /** Columns of the terminal. */
  readonly columns: number
  readonly colors: Colors
}

const HEADS = ['start', 'method', 'url', 'status', 'bytes', 'time', 'conn', 'use']
const URL_CELL = 2
const STATUS_CELL = 3
const CONNECTION_CELL = 6
/** Cells of numbers. */
const RIGHT = new Set([0, STATUS_CELL, 4, 5, CONNECTION_CELL])
const LEAST_URL = 20
/** Longest cell besides the URL. */
const MOST_CELL = 40

/** Returns the lines for a terminal. */
export function printHar(print: HarPrint): string {
  const { lines, totals, isGrouped, colors } = print
  const table = tableOf(print)
  const shown = (each: HarLine): string => table.row(each)
  const body = isGrouped
    ? [...byConnection(lines)].flatMap(([id, group]) => [colors.bold(groupHead(id, group)), ...group.map(shown), ''])
    : lines.map(shown)
  return [colors.dim(table.head), ...body, ...(isGrouped || lines.length === 0 ? [] : ['']), totalsText(totals)].join('\n')
}

function tableOf({ lines, columns, colors }: HarPrint): { head: string; row(line: HarLine): string } {
  const origin = firstStart(lines)
  const cells = new Map(lines.map((line) => [line, cellsOf(line, origin)]))
  const widths = HEADS.map((head, i) => {
    let width = head.length
    for (const row of cells.values()) width = Math.max(width, row[i]!.length)
    return width
  })
  const others = widths.reduce((sum, width, i) => (i === URL_CELL ? sum : sum + width), 2 * (HEADS.length - 1))
  widths[URL_CELL] = Math.min(widths[URL_CELL]!, Math.max(LEAST_URL, columns - others))
  const aligned = (row: readonly string[]): string[] =>
    row.map((cell, i) => {
      const text = i === URL_CELL ? shortened(cell, widths[i]!) : cell
      return RIGHT.has(i) ? text.padStart(widths[i]!) : text.padEnd(i === HEADS.length - 1 ? 0 : widths[i]!)
    })
  return {
    head: aligned(HEADS).join('  '),
    row(line) {
      const row = aligned(cells.get(line)!)
      row[STATUS_CELL] = colorOf(line, colors)(row[STATUS_CELL]!)
      return row.join('  ').trimEnd()
    },
  }
}

function cellsOf(line: HarLine, origin: number): string[] {
  const { startMs, method, url, status, bytes, durationMs, connection, shared, because, error } = line
  const owner = shared === undefined ? undefined : shared ? 'shared' : 'own'
  return [
    startMs === undefined ? '-' : `+${milliseconds(startMs - origin)}`,
    cell(method),
    lineForTerminal(url.length > 10 * MOST_CELL ? shortened(url, 10 * MOST_CELL) : url),
    status === undefined ? '-' : status === 0 ? 'none' : String(status),
    bytes === undefined ? '-' : byteSize(bytes),
    durationMs === undefined ? '-' : milliseconds(durationMs),
    cell(connection ?? '-'),
    [owner, because, error]
      .filter((part) => part !== undefined)
      .map(cell)
      .join(' ') || '-',
  ]
}

/** Text of the file, on one line and of limited length. */
function cell(text: string): string {
  return shortened(lineForTerminal(shortened(text, MOST_CELL)), MOST_CELL)
}

function colorOf(line: HarLine, colors: Colors): (text: string) => string {
  const { status = 0 } = line
  if (isFailed(line) || status >= 500) return colors.red
  if (status >= 400) return colors.yellow
  return status >= 200 && status < 300 ? colors.green : String
}

/** Keeps the beginning and the end of a text. */
function shortened(text: string, width: number): string {
  if (text.length <= width) return text
  const end = Math.floor((width - 1) / 3)
  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`
}

function groupHead(id: string | undefined, group: readonly HarLine[]): string {
  if (id === undefined) return `no connection, ${counted(group.length, 'request')}`
  const { address, protocol } = group[0]!
  const own = group.find(({ shared }) => shared === false) ?? group[0]!
  const parts = [`connection ${cell(id)} of ${cell(originText(own.url))}`, address, protocol].filter((part) => part !== undefined)
  return `${parts.map(cellOrLong).join(', ')}, ${counted(group.length, 'request')}`
}

function cellOrLong(text: string): string {
  return shortened(lineForTerminal(text), 2 * MOST_CELL)
}

function totalsText({ entries, failed, connections, shared, bytes, durationMs }: Totals): string {
  const parts = [
    counted(entries, 'request'),
    ...(failed === 0 ? [] : [`${failed} failed`]),
    counted(connections, 'connection'),
    `${shared} on a shared connection`,
    byteSize(bytes),
    milliseconds(durationMs),
  ]
  return parts.join(', ')
}
