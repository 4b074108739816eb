/** Draws what goes wrong, and when. */

import type { Random } from '../kernel/random.js'
import type { FaultKind, FaultScript } from '../script/script.js'
import type { Topology } from './topology.js'

export type Weights = readonly (readonly [weight: number, kind: FaultKind])[]

/** Faults of network and servers. */
export const NETWORK_FAULTS: Weights = [
  [3, 'black-hole'],
  [1, 'black-hole-to-client'],
  [1, 'black-hole-to-server'],
  [3, 'reset-flows'],
  [2, 'half-close'],
  [2, 'refuse'],
  [1, 'ignore-syn'],
  [2, 'freeze'],
  [2, 'hang'],
  [2, 'kill'],
  [4, 'deploy'],
]

/** Faults of the resolver. */
export const DNS_FAULTS: Weights = [
  [3, 'dns-fails'],
  [2, 'dns-silent'],
  [2, 'dns-slow'],
  [1, 'dns-missing'],
  [2, 'dns-moves'],
]

/** Faults of the client's own machine. */
export const MACHINE_FAULTS: Weights = [
  [3, 'suspend'],
  [3, 'stall'],
  [1, 'clock-step'],
]

export function drawFaults(random: Random, topology: Topology, weights: Weights, count: number, spanMs: number): FaultScript[] {
  const faults = Array.from({ length: count }, () => drawFault(random, topology, random.weighted(weights), spanMs))
  return faults.sort((one, other) => one.at - other.at)
}

/** Draws one fault within `spanMs`. */
export function drawFault(random: Random, { machines, names, groups }: Topology, kind: FaultKind, spanMs: number): FaultScript {
  const at = random.int(0, spanMs)
  const until = at + durationOf(kind, random)
  if (kind === 'dns-moves') {
    const { hosts, addresses } = random.pick(groups)
    const where = random.pick(hosts)
    return { kind, at, until, where, addresses: random.shuffled(addresses).slice(0, random.int(1, addresses.length)) }
  }
  if (kind === 'dns-missing') return { kind, at, until, where: random.pick(names).name }
  if (!(kind.startsWith('dns-') || isOfMachine(kind))) return { kind, at, until, where: random.pick(machines).address }
  const moves = kind === 'clock-step' ? { ms: random.pick([-86_400_000, -60_000, 60_000, 86_400_000]) } : {}
  const roams = kind === 'suspend' && until - at >= LEAST_ROAMING_MS && random.chance(0.5) ? { roams: true } : {}
  return { kind, at, until, ...moves, ...roams }
}

export function isOfMachine(kind: FaultKind): boolean {
  return kind === 'suspend' || kind === 'stall' || kind === 'clock-step'
}

/** A machine that sleeps for a moment does not change its network. */
export const LEAST_ROAMING_MS = 30_000

/** Draws how long a fault lasts. */
export function durationOf(kind: FaultKind, random: Random): number {
  if (kind === 'suspend') return random.log(5_000, 28_800_000)
  if (kind === 'stall') return random.log(20, 20_000)
  if (kind === 'kill' || kind === 'refuse') return random.log(500, 60_000)
  if (kind.startsWith('dns-')) return random.log(5_000, 1_800_000)
  if (kind === 'freeze' || kind === 'hang' || kind === 'ignore-syn') return random.log(1_000, 120_000)
  if (kind.startsWith('black-hole')) return random.log(1_000, 300_000)
  return 0
}
