/** From turns to figures: medians and claims. Pure. */

import { median } from '../figures.js'
import { type Claim, describeClaims } from '../report.js'
import { alignedTable } from '../table.js'
import type { StreamTurn } from './task.js'

export interface StreamResult {
  readonly name: string
  readonly server: string
  /** Medians of the rounds without an error. */
  readonly ms: number
  readonly cpuMs: number
  /** Maximum of all rounds. */
  readonly peakBytes: number
  readonly errors: number
  readonly rounds: readonly StreamTurn[]
}

/** Limit above the memory of the process before reading. */
export const MAX_PEAK_BYTES: number = 64 * 1_048_576

export function streamResult(name: string, server: string, rounds: readonly StreamTurn[]): StreamResult {
  const good = rounds.filter(({ errors }) => errors === 0)
  return {
    name,
    server,
    ms: median(good.map(({ ms }) => ms)),
    cpuMs: median(good.map(({ cpuMs }) => cpuMs)),
    peakBytes: Math.max(...good.map(({ peakBytes }) => peakBytes)),
    errors: rounds.length - good.length,
    rounds,
  }
}

export function streamClaims(unshard: StreamResult, undici: StreamResult): Claim[] {
  const ratio = unshard.ms / undici.ms
  return [
    {
      claim: 'memory above base < 64 MiB',
      holds: unshard.peakBytes < MAX_PEAK_BYTES,
      measured: `${mebibytes(unshard.peakBytes)} MiB`,
    },
    { claim: `${unshard.name} not slower than ${undici.name}`, holds: ratio <= 1, measured: `${ratio.toFixed(2)} × its time` },
  ]
}

export function describeStream(results: readonly StreamResult[], claims: readonly Claim[]): string {
  const rows = results.map(({ name, server, ms, cpuMs, peakBytes, errors }) => {
    return [name, server, ms.toFixed(0), cpuMs.toFixed(0), mebibytes(peakBytes), String(errors)]
  })
  const failures = results.flatMap(({ name, rounds }) =>
    rounds.flatMap(({ firstError }) => (firstError === undefined ? [] : [`${name}: ${firstError}`])),
  )
  const head = ['client', 'server', 'ms', 'CPU ms', 'MiB above base', 'errors']
  return [...alignedTable(head, rows), '', ...failures, ...describeClaims(claims)].join('\n')
}

function mebibytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1)
}
