/** From turns to figures: medians and claims. Pure. */

import { median } from '../figures.js'
import { type Claim, describeClaims } from '../report.js'
import { alignedTable } from '../table.js'
import { CHANNEL, GRPC_JS, OWN } from './competitors.js'
import type { GrpcKind, GrpcTurn } from './task.js'

export interface GrpcResult {
  readonly name: string
  readonly kind: GrpcKind
  /** Medians of the rounds without an error. */
  readonly perSecond: number
  readonly cpuMicros: number
  readonly errors: number
  readonly rounds: readonly GrpcTurn[]
}

export function grpcResult(name: string, kind: GrpcKind, rounds: readonly GrpcTurn[]): GrpcResult {
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
  const find = (name: string, kind: GrpcKind): GrpcResult | undefined =>
    results.find((result) => result.name === name && result.kind === kind)
  const cpu = (name: string, most: number, shown: string): Claim => {
    const share = cpuShare(find(name, 'unary'), find(GRPC_JS, 'unary'))
    return { claim: `unary: CPU of ${name} <= ${shown} of ${GRPC_JS}`, ...held(share <= most, `1/${(1 / share).toFixed(2)}`) }
  }
  const rate = (name: string, least: number): Claim => {
    const [own, peer] = [find(name, 'fast stream'), find(GRPC_JS, 'fast stream')]
    const times = (own?.perSecond ?? Number.NaN) / (peer?.perSecond ?? Number.NaN)
    const shown = `${times.toFixed(2)}, CPU 1/${(1 / cpuShare(own, peer)).toFixed(2)}`
    return { claim: `fast stream: messages/s of ${name} >= ${least} x ${GRPC_JS}`, ...held(times >= least, shown) }
  }
  return [cpu(OWN, 1 / 6, '1/6'), cpu(CHANNEL, 1 / 2, '1/2'), rate(OWN, 3), rate(CHANNEL, 2)]
}

function cpuShare(own: GrpcResult | undefined, peer: GrpcResult | undefined): number {
  return (own?.cpuMicros ?? Number.NaN) / (peer?.cpuMicros ?? Number.NaN)
}

function held(holds: boolean, measured: string): { holds?: boolean; measured: string } {
  return measured.includes('NaN') ? { measured: 'no figure' } : { holds, measured }
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
