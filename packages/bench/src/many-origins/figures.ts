/** From turns to figures: medians and claims. Pure. */

import { median } from '../figures.js'
import { type Claim, describeClaims } from '../report.js'
import { alignedTable } from '../table.js'
import type { Turn } from './task.js'

export interface ManyResult {
  readonly origins: number
  /** Medians of the rounds without an error. */
  readonly cpuMicrosPerRequest: number
  readonly requestsPerSecond: number
  /** NaN with one origin. */
  readonly bytesPerOrigin: number
  /** Maximum of all rounds. */
  readonly connections: number
  readonly errors: number
  readonly rounds: readonly Turn[]
}

export const MAX_CPU_RATIO = 1.3
export const MAX_BYTES_PER_ORIGIN = 2_048

export function manyResult(origins: number, rounds: readonly Turn[]): ManyResult {
  const good = rounds.filter(({ errors }) => errors === 0)
  return {
    origins,
    cpuMicrosPerRequest: median(good.map((turn) => turn.cpuMicrosPerRequest)),
    requestsPerSecond: median(good.map((turn) => turn.requestsPerSecond)),
    bytesPerOrigin: median(good.flatMap(({ bytesPerOrigin }) => bytesPerOrigin ?? [])),
    connections: Math.max(...rounds.map(({ connections }) => connections)),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    rounds,
  }
}

export function manyClaims(one: ManyResult, many: ManyResult): Claim[] {
  const ratio = many.cpuMicrosPerRequest / one.cpuMicrosPerRequest
  const { bytesPerOrigin, connections, origins } = many
  return [
    {
      claim: `CPU per request with ${origins.toLocaleString('en-US')} origins <= ${MAX_CPU_RATIO} × that with one`,
      holds: ratio <= MAX_CPU_RATIO,
      measured: `${ratio.toFixed(2)} ×`,
    },
    {
      claim: `memory per origin <= ${MAX_BYTES_PER_ORIGIN.toLocaleString('en-US')} bytes`,
      holds: bytesPerOrigin <= MAX_BYTES_PER_ORIGIN,
      measured: `${bytesPerOrigin.toFixed(0)} bytes`,
    },
    { claim: 'one connection', holds: connections === 1, measured: String(connections) },
  ]
}

export function describeMany(server: string, results: readonly ManyResult[], claims: readonly Claim[]): string {
  const figure = (value: number, places: number): string =>
    Number.isFinite(value) ? value.toLocaleString('en-US', { minimumFractionDigits: places, maximumFractionDigits: places }) : '-'
  const rows = results.map(({ origins, requestsPerSecond, cpuMicrosPerRequest, bytesPerOrigin, connections, errors }) => [
    figure(origins, 0),
    server,
    figure(requestsPerSecond, 0),
    figure(cpuMicrosPerRequest, 2),
    figure(bytesPerOrigin, 0),
    String(connections),
    String(errors),
  ])
  const failures = results.flatMap(({ origins, rounds, errors }) =>
    errors === 0 ? [] : [`${origins}: ${errors} errors, the first: ${rounds.find((round) => round.firstError)?.firstError}`],
  )
  return [
    ...alignedTable(['origins', 'server', 'requests/s', 'CPU µs/request', 'bytes/origin', 'connections', 'errors'], rows),
    '',
    ...failures,
    ...describeClaims(claims),
  ].join('\n')
}
