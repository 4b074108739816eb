/** From turns to figures: medians and claims. Pure. */

import { median } from '../figures.js'
import { type Claim, describeClaims } from '../report.js'
import { alignedTable } from '../table.js'

export const UNSHARD = 'unshard/connect'
export const CONNECT_NODE = 'connect-node'
export const PROTOCOLS = ['connect', 'grpc', 'grpc-web'] as const

export type Protocol = (typeof PROTOCOLS)[number]

/** The measurement of one process. */
export interface ConnectTurn {
  readonly cpuMicros: number
  readonly perSecond: number
  /** The version of Node.js that ran it. */
  readonly node: string
  readonly error?: string
}

export interface ConnectResult {
  readonly protocol: Protocol
  readonly name: string
  /** Medians of the rounds without an error. */
  readonly cpuMicros: number
  readonly perSecond: number
  readonly errors: number
  readonly rounds: readonly ConnectTurn[]
}

export function connectResult(protocol: Protocol, name: string, rounds: readonly ConnectTurn[]): ConnectResult {
  const good = rounds.filter(({ error }) => error === undefined)
  return {
    ...{ protocol, name, rounds },
    cpuMicros: median(good.map(({ cpuMicros }) => cpuMicros)),
    perSecond: median(good.map(({ perSecond }) => perSecond)),
    errors: rounds.length - good.length,
  }
}

/** The claims, compared with connect-node in the same run. */
export function connectClaims(results: readonly ConnectResult[]): Claim[] {
  const cpu = (protocol: Protocol, name: string): number =>
    results.find((result) => result.protocol === protocol && result.name === name)?.cpuMicros ?? Number.NaN
  return PROTOCOLS.map((protocol) => {
    const share = cpu(protocol, UNSHARD) / cpu(protocol, CONNECT_NODE)
    const claim = `${protocol}: CPU of ${UNSHARD} <= 1/2 of ${CONNECT_NODE}`
    return { claim, ...(!Number.isNaN(share) && { holds: share <= 1 / 2 }), measured: `1/${(1 / share).toFixed(2)}` }
  })
}

export function describeConnect(results: readonly ConnectResult[], claims: readonly Claim[]): string {
  const rows = results.map(({ protocol, name, perSecond, cpuMicros, errors }) => [
    ...[protocol, name, Math.round(perSecond).toLocaleString('en-US'), cpuMicros.toFixed(1), String(errors)],
  ])
  const failures = results.flatMap(({ protocol, name, rounds }) =>
    rounds.flatMap(({ error }) => (error === undefined ? [] : [`${protocol}, ${name}: ${error}`])),
  )
  const head = ['protocol', 'client', 'calls/s', 'CPU µs/call', 'errors']
  return [...alignedTable(head, rows), '', ...failures, ...describeClaims(claims)].join('\n')
}
