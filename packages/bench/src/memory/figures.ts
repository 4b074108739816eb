/** From turns to memory per item and its limits. Pure. */

import { median } from '../figures.js'
import type { Chart } from '../plot.js'
import { type Claim, describeClaims } from '../report.js'
import { alignedTable } from '../table.js'
import { COUNTS, type MemoryTurn, WEIGHED, type Weighed } from './task.js'

/** Medians of the rounds without an error, in bytes. */
export type Weights = Readonly<Record<Weighed, number>>

export const MAX_CONNECTION_BYTES = 40_000
export const MAX_REQUEST_BYTES = 2_000
/** Less than the smallest object that could be retained for each. */
export const MAX_ABORT_BYTES = 8

const NAMES: Readonly<Record<Weighed, string>> = {
  connections: 'idle connection, its socket included',
  sockets: 'TLS socket with nothing on it',
  requests: 'request in flight',
  aborts: 'aborted request, when it is over',
}

export function weightsOf(turns: Readonly<Record<Weighed, readonly MemoryTurn[]>>): Weights {
  const weight = (weighed: Weighed): number =>
    median(turns[weighed].filter(({ errors }) => errors === 0).map(({ bytesEach }) => bytesEach))
  return Object.fromEntries(WEIGHED.map((weighed) => [weighed, weight(weighed)])) as Record<Weighed, number>
}

export function memoryClaims({ connections, sockets, requests, aborts }: Weights): Claim[] {
  const claim = (what: string, bytes: number, limit: number): Claim => ({
    claim: `${what} <= ${limit.toLocaleString('en-US')} bytes`,
    holds: bytes <= limit,
    measured: `${formatBytes(bytes)} bytes`,
  })
  return [
    claim('an idle connection beside its socket', connections - sockets, MAX_CONNECTION_BYTES),
    claim('a request in flight', requests, MAX_REQUEST_BYTES),
    claim(`each of ${COUNTS.aborts[1].toLocaleString('en-US')} aborted requests`, aborts, MAX_ABORT_BYTES),
  ]
}

export function describeMemory(weights: Weights, failures: readonly string[], claims: readonly Claim[]): string {
  const rows = WEIGHED.map((weighed) => [
    NAMES[weighed],
    COUNTS[weighed][1].toLocaleString('en-US'),
    formatBytes(weights[weighed]),
  ])
  return [...alignedTable(['what', 'how many', 'bytes each'], rows), '', ...failures, ...describeClaims(claims)].join('\n')
}

export function memoryCharts({ connections, sockets, requests }: Weights): Chart[] {
  return [
    {
      title: 'memory: bytes each, less is better',
      bars: [
        { label: 'unshard, beside an idle socket', value: connections - sockets },
        { label: 'unshard, request in flight', value: requests },
      ],
    },
  ]
}

function formatBytes(bytes: number): string {
  return Number.isFinite(bytes) ? bytes.toLocaleString('en-US', { maximumFractionDigits: bytes < 100 ? 1 : 0 }) : '-'
}
