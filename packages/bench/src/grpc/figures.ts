/** From turns to figures: medians and claims. Pure. */

import { median } from '../figures.js'
import { type Claim, describeClaims } from '../report.js'
import { alignedTable } from '../table.js'
import { CHANNEL, GRPC_JS, OWN } from './competitors.js'
import type { GrpcTurn } from './task.js'

export interface GrpcResult {
  readonly name: string
  readonly kind: 'unary' | 'stream'
  /** Medians of the rounds without an error. */
  readonly perSecond: number
  readonly cpuMicros: number
  readonly errors: number
  readonly rounds: readonly GrpcTurn[]
}

export function grpcResult(name: string, kind: GrpcResult['kind'], rounds: readonly GrpcTurn[]): GrpcResult {
  const good = rounds.filter(({ errors }) => errors === 0)
  return {
    ...{ name, kind, rounds },
    perSecond: median(good.map(({ perSecond }) => perSecond)),
    cpuMicros: median(good.map(({ cpuMicros }) => cpuMicros)),
    errors: rounds.length - good.length,
  }
}

/** The claims, compared with `@grpc/grpc-js` in the same run. */
export function grpcClaims(results: readonly GrpcResult[]): Claim[] {
  const cpu = (name: string, kind: GrpcResult['kind']): number =>
    results.find((result) => result.name === name && result.kind === kind)?.cpuMicros ?? Number.NaN
  const claim = (name: string, kind: GrpcResult['kind'], most: number, shown: string): Claim => {
    const share = cpu(name, kind) / cpu(GRPC_JS, kind)
    return {
      claim: `${kind}: CPU of ${name} <= ${shown} of ${GRPC_JS}`,
      holds: share <= most,
      measured: `1/${(1 / share).toFixed(2)}`,
    }
  }
  return [claim(OWN, 'unary', 1 / 6, '1/6'), claim(CHANNEL, 'unary', 1 / 2, '1/2'), claim(OWN, 'stream', 1 / 3, '1/3')]
}

export function describeGrpc(results: readonly GrpcResult[], claims: readonly Claim[]): string {
  const rows = results.map(({ name, kind, perSecond, cpuMicros, errors }) => [
    ...[kind, name, perSecond.toFixed(0), cpuMicros.toFixed(1), String(errors)],
  ])
  const failures = results.flatMap(({ name, rounds }) =>
    rounds.flatMap(({ firstError }) => (firstError === undefined ? [] : [`${name}: ${firstError}`])),
  )
  const head = ['calls', 'client', 'calls or messages/s', 'CPU µs', 'errors']
  return [...alignedTable(head, rows), '', ...failures, ...describeClaims(claims)].join('\n')
}
