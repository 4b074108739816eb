/** The kinds of worlds, and how one is drawn from a seed. */

import { Random } from '../kernel/random.js'
import type { ClientScript, FaultScript, RequestScript, WorldScript } from '../script/script.js'
import { DNS_FAULTS, drawFaults, MACHINE_FAULTS, NETWORK_FAULTS, type Weights } from './fault.js'
import { type CallerKind, drawLoad, endOfLoad, KINDS } from './load.js'
import { drawTopology, type TopologyWish } from './topology.js'

interface World {
  readonly weight: number
  readonly topology: Partial<TopologyWish>
  readonly faults: Weights
  /** Most faults. */
  readonly maxFaults: number
  readonly spanMs: readonly [min: number, max: number]
  readonly callers: readonly [min: number, max: number]
  /** Kinds of callers that are more frequent. */
  readonly often: readonly CallerKind[]
  /** Whether TLS is Node's own: slower, so these worlds are small. */
  readonly hasRealTls?: boolean
}

const ANY: Weights = [...NETWORK_FAULTS, ...DNS_FAULTS, ...MACHINE_FAULTS]
const MINUTES = [20_000, 600_000] as const
/** Part of the worlds whose TLS is real, so that the model stays honest. */
const REAL_TLS_PART = 0.1

export const WORLDS: Readonly<Record<string, World>> = {
  calm: { weight: 2, topology: {}, faults: ANY, maxFaults: 0, spanMs: MINUTES, callers: [4, 12], often: ['steady', 'burst'] },
  network: {
    weight: 4,
    topology: {},
    faults: NETWORK_FAULTS,
    maxFaults: 4,
    spanMs: MINUTES,
    callers: [2, 8],
    often: ['steady', 'posts'],
  },
  ill: {
    weight: 3,
    topology: { ill: 0.9 },
    faults: ANY,
    maxFaults: 1,
    spanMs: MINUTES,
    callers: [2, 8],
    often: ['steady', 'burst', 'sparse'],
  },
  resolver: {
    weight: 2,
    topology: {},
    faults: DNS_FAULTS,
    maxFaults: 3,
    spanMs: [60_000, 1_800_000],
    callers: [3, 8],
    often: ['steady', 'sparse'],
  },
  laptop: {
    weight: 2,
    topology: {},
    faults: MACHINE_FAULTS,
    maxFaults: 3,
    spanMs: [60_000, 1_800_000],
    callers: [2, 8],
    often: ['steady', 'burst', 'sparse', 'longPolls', 'events'],
  },
  hours: {
    weight: 1,
    topology: {},
    faults: ANY,
    maxFaults: 3,
    spanMs: [3_600_000, 14_400_000],
    callers: [2, 6],
    often: ['steady', 'burst', 'sparse', 'events', 'longPolls'],
  },
  poison: {
    weight: 2,
    topology: {},
    faults: NETWORK_FAULTS,
    maxFaults: 1,
    spanMs: [5_000, 60_000],
    callers: [4, 10],
    often: ['poison', 'burst', 'steady'],
  },
  routers: {
    weight: 2,
    topology: { routers: true },
    faults: NETWORK_FAULTS,
    maxFaults: 1,
    spanMs: MINUTES,
    callers: [3, 8],
    often: ['steady'],
  },
  proxies: {
    weight: 1,
    topology: { proxied: true },
    faults: NETWORK_FAULTS,
    maxFaults: 2,
    spanMs: MINUTES,
    callers: [2, 6],
    often: ['steady'],
  },
  mixed: {
    weight: 3,
    topology: { ill: 0.2 },
    faults: ANY,
    maxFaults: 6,
    spanMs: MINUTES,
    callers: [4, 12],
    often: ['steady', 'burst', 'posts'],
  },
  'real-tls': {
    ...{ weight: 0, topology: { ill: 0.2 }, faults: ANY, maxFaults: 3 },
    ...{ spanMs: [5_000, 60_000], callers: [1, 3], often: ['posts', 'sparse'], hasRealTls: true },
  },
}

export const WORLD_NAMES: readonly string[] = Object.keys(WORLDS)

/** @param name of the kind of world; drawn if it is not given. */
export function drawWorld(seed: number, name?: string): WorldScript {
  const world = name ?? drawKind(seed)
  const { topology: wish, faults: weights, maxFaults, spanMs: span, callers, often, hasRealTls = false } = WORLDS[world]!
  const random = new Random(seed, 'frame')
  const spanMs = random.log(...span)
  const topology = drawTopology(new Random(seed, 'topology'), { ill: 0.05, routers: false, proxied: false, ...wish })
  const kinds = (Object.keys(KINDS) as CallerKind[]).map(
    (kind) => [often.includes(kind) ? 6 : kind === 'poison' ? 0.3 : 1, kind] as const,
  )
  const requests = drawLoad(seed, topology.groups, kinds, { count: random.int(...callers), spanMs })
  const faults = drawFaults(new Random(seed, 'faults'), topology, weights, random.int(Math.min(1, maxFaults), maxFaults), spanMs)
  const { machines, names, answers404 } = topology
  return {
    ...{ seed, world, endMs: endOf(requests, faults), machines, names, requests, faults },
    client: drawClient(new Random(seed, 'client'), spanMs, answers404),
    ...(hasRealTls ? { tls: 'real' as const } : {}),
    ...(wish.proxied === true ? { proxy: { kind: random.pick(['http', 'socks5'] as const), address: '10.0.0.9' } } : {}),
  }
}

function drawKind(seed: number): string {
  if (new Random(seed, 'real-tls').chance(REAL_TLS_PART)) return 'real-tls'
  return new Random(seed, 'world').weighted(WORLD_NAMES.map((each) => [WORLDS[each]!.weight, each] as const))
}

/** When everything that a script wants is over. */
export function endOf(requests: readonly RequestScript[], faults: readonly FaultScript[]): number {
  return Math.max(endOfLoad(requests), ...faults.map(({ until }) => until)) + 1_000
}

/** Options of the client that a world may set: how often, and to which value. */
export const OPTIONS: readonly (readonly [probability: number, name: string, draw: (random: Random) => unknown])[] = [
  [0.1, 'waitForSettings', () => true],
  [0.1, 'maxConnectionsPerOrigin', (random) => random.int(1, 3)],
  [0.1, 'strategy', (random) => random.pick(['least-streams', 'random', 'round-robin'])],
  [0.1, 'idleTimeoutMs', (random) => random.pick([0, 5_000, 300_000])],
  [0.1, 'lookupTtlMs', (random) => random.pick([0, 1_000, 60_000])],
  [0.05, 'tcpKeepAlive', () => false],
  [0.05, 'maxRequestsPerConnection', (random) => random.pick([1, 5, 100])],
  [0.05, 'maxConnectionAgeMs', (random) => random.pick([5_000, 60_000])],
  [0.05, 'verifyAfterIdleMs', (random) => random.pick([0, 1_000])],
  [0.05, 'streamWindowBytes', () => 65_535],
  [0.05, 'pipelining', (random) => random.int(2, 6)],
]

function drawClient(random: Random, spanMs: number, answers404: boolean): ClientScript {
  const options: Record<string, unknown> = {}
  for (const [probability, name, draw] of OPTIONS) if (random.chance(probability)) options[name] = draw(random)
  return {
    ...{ coalescing: random.chance(0.75), options },
    ...(answers404 ? { suspectStatuses: [404] } : {}),
    ...(random.chance(0.1) ? { renewedAt: random.int(0, spanMs) } : {}),
  }
}
