/** From turns to figures: medians and claims. Pure. */

import { median } from '../figures.js'
import { type Claim, describeClaims } from '../report.js'
import { alignedTable } from '../table.js'
import { HOSTS, REQUESTS, REQUESTS_PER_HOST, type Seen, type Turn } from './task.js'

export type ColdRound = Turn & Seen

export interface ColdResult {
  readonly name: string
  readonly server: string
  /** Median of the rounds without an error. */
  readonly ms: number
  readonly cpuMs: number
  /** Maximum of all rounds: a median would hide a second connection in one round. */
  readonly connections: number
  readonly handshakes: number
  readonly errors: number
  readonly rounds: readonly ColdRound[]
}

export function coldResult(name: string, server: string, rounds: readonly ColdRound[]): ColdResult {
  const good = rounds.filter(({ errors }) => errors === 0)
  return {
    name,
    server,
    ms: median(good.map(({ ms }) => ms)),
    cpuMs: median(good.map(({ cpuMs }) => cpuMs)),
    connections: Math.max(...rounds.map(({ connections }) => connections)),
    handshakes: Math.max(...rounds.map(({ handshakes }) => handshakes)),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    rounds,
  }
}

/** Fraction of the best peer's time. */
const PART = 1 / 3

/** `ours` are the names of our rows; those in `timed` are compared with the fastest other one. */
export function coldClaims(results: readonly ColdResult[], ownNames: readonly string[], timed: readonly string[]): Claim[] {
  const own = results.filter(({ name }) => ownNames.includes(name))
  const best = results
    .filter(({ name, ms }) => !ownNames.includes(name) && Number.isFinite(ms))
    .toSorted((a, b) => a.ms - b.ms)
    .at(0)
  const handshakes = own.map(({ name, handshakes, connections }) => ({
    claim: `${name}: 1 handshake`,
    holds: handshakes === 1 && connections === 1,
    measured: `${handshakes}, over ${connections} connection${connections === 1 ? '' : 's'}`,
  }))
  const times = own
    .filter(({ name }) => timed.includes(name))
    .map(({ name, ms }) => {
      const part = ms / (best?.ms ?? Number.NaN)
      return {
        claim: `${name} <= 1/3 of the time of the best peer, ${best?.name ?? 'which was not measured'}`,
        holds: part <= PART,
        measured: Number.isFinite(part) ? `${part.toFixed(2)} ×` : 'not measured',
      }
    })
  return [...handshakes, ...times]
}

export function coldTitle(roundTripMs: number): string {
  return `${HOSTS.length} hosts × ${REQUESTS_PER_HOST} requests, all ${REQUESTS} at once, nothing open, over a round trip of ${roundTripMs} ms`
}

export function describeCold(
  title: string,
  results: readonly ColdResult[],
  claims: readonly Claim[],
  skipped: readonly { readonly name: string; readonly because: string }[],
): string {
  const fastest = Math.min(...results.map(({ ms }) => ms).filter(Number.isFinite))
  const figure = (value: number, places = 0): string => (Number.isFinite(value) ? value.toFixed(places) : '-')
  const rows = results.map((result) => [
    result.name,
    result.server,
    figure(result.ms),
    figure(result.ms / fastest, 2),
    figure(result.cpuMs),
    String(result.connections),
    String(result.handshakes),
    String(result.errors),
  ])
  const failures = results.flatMap(({ name, errors, rounds }) =>
    errors === 0 ? [] : [`${name}: ${errors} errors, the first: ${rounds.find((round) => round.firstError)?.firstError}`],
  )
  return [
    title,
    '',
    ...alignedTable(['client', 'server', 'ms', '× fastest', 'CPU ms', 'connections', 'handshakes', 'errors'], rows),
    '',
    ...failures,
    ...skipped.map(({ name, because }) => `without ${name}: ${because}`),
    ...describeClaims(claims),
  ].join('\n')
}
