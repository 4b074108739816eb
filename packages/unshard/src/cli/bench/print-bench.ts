/** Text report of `unshard bench`. */

import type { Colors } from '../colors.js'
import { byteSize, count, counted, milliseconds } from '../format.js'
import { lineForTerminal } from '../terminal.js'
import type { BenchReport } from './bench.js'

/** Returns the lines for a terminal. */
export function printBench(report: BenchReport, colors: Colors): string {
  const { method, url, requests, seconds, requestsPerSecond, rate, bytes, bytesPerSecond, statuses, interrupted } = report
  const asked = rate === undefined ? '' : `, at most ${count(rate)}/s asked for`
  return [
    colors.bold(lineForTerminal(`${method} ${url}`)),
    ...(interrupted ? ['  interrupted: requests in flight are not counted'] : []),
    `  requests     ${count(requests)} in ${milliseconds(seconds * 1_000)}, ${count(requestsPerSecond)}/s${asked}`,
    `  content      ${byteSize(bytes)}, ${byteSize(bytesPerSecond)}/s`,
    ...(Object.keys(statuses).length === 0 ? [] : [`  statuses     ${list(statuses)}`]),
    ...errorLines(report, colors),
    ...latencyLines(report),
    `  connections  ${connectionText(report)}`,
  ].join('\n')
}

function errorLines({ failed, errors, replayed }: BenchReport, colors: Colors): string[] {
  return [
    ...(failed === 0 ? [] : [`  errors       ${colors.red(list(errors))}`]),
    ...(replayed === 0 ? [] : [`  sent again   ${count(replayed)}`]),
  ]
}

function latencyLines({ latencyMs, rate }: BenchReport): string[] {
  if (latencyMs === undefined) return []
  const { p50, p90, p99, p999, max } = latencyMs
  const parts = { p50, p90, p99, 'p99.9': p999, max }
  const shown = Object.entries(parts).map(([name, ms]) => `${name} ${milliseconds(ms)}`)
  const note = rate === undefined ? [] : ['               from the time at which each request was due']
  return [`  latency      ${shown.join('   ')}`, ...note]
}

function connectionText({ connections, protocols, handshakes, resumed }: BenchReport): string {
  const protocol = protocols.length === 0 ? '' : ` (${protocols.join(', ')})`
  const again = resumed === 0 ? '' : `, ${count(resumed)} resumed`
  return `${count(connections)}${protocol}, ${counted(handshakes, 'TLS handshake')}${again}`
}

function list(counts: Readonly<Record<string, number>>): string {
  return lineForTerminal(
    Object.entries(counts)
      .map(([name, number]) => `${name}: ${count(number)}`)
      .join(', '),
  )
}
