/** Draws machines, servers and names. A group is a set of hosts that lead to the same addresses. */

import type { Random } from '../kernel/random.js'
import type { Illness, MachineScript, NameScript, ServerScript } from '../script/script.js'
import { MODELS } from '../server/models/all.js'

export interface Group {
  readonly hosts: readonly string[]
  readonly addresses: readonly string[]
  /** Whether every server speaks HTTP/1.1 alone. */
  readonly http1: boolean
}

export interface Topology {
  readonly groups: readonly Group[]
  readonly machines: readonly MachineScript[]
  readonly names: readonly NameScript[]
  /** Whether a server answers 404 for hosts that it does not have. */
  readonly answers404: boolean
}

/** Probabilities and features that a kind of world asks for. */
export interface TopologyWish {
  /** Probability that one of several addresses is ill all the time. */
  readonly ill: number
  /** Whether servers behind one address have different hosts, and are chosen by the name in the handshake. */
  readonly routers: boolean
  readonly proxied: boolean
}

const ILLNESSES: readonly Illness[] = [
  'silent',
  'alert',
  'late-settings',
  'slow',
  'refuses',
  'mute',
  'closes',
  'goaway',
  'plain',
  'misnamed',
]
const MANY = [
  'nginx',
  'go',
  'grpc',
  'node',
  'apache',
  'haproxy',
  'h2o',
  'envoy',
  'alb',
  'caddy',
  'apns',
  'nghttpd',
  'old',
] as const
/** Models that say so if they do not have a host. */
const HONEST = ['apache', 'caddy', 'apns', 'envoy'] as const

export function drawTopology(random: Random, wish: TopologyWish): Topology {
  const groups: Group[] = []
  const machines: MachineScript[] = []
  const names: NameScript[] = []
  let answers404 = false
  const count = random.weighted([
    [5, 1],
    [3, 2],
    [1, 3],
  ])
  for (let index = 1; index <= count; index++) {
    const domain = `g${index}.sim.example`
    const hosts = Array.from(
      {
        length: random.weighted([
          [3, 1],
          [3, 2],
          [2, 4],
          [1, 8],
        ] as const),
      },
      (_, host) => `h${host + 1}.${domain}`,
    )
    const addresses = Array.from(
      {
        length: random.weighted([
          [5, 1],
          [4, 2],
          [1, 3],
        ] as const),
      },
      (_, at) => `10.0.${index}.${at + 1}`,
    )
    const certificate = random.chance(0.6) ? [`*.${domain}`] : hosts
    const routed = wish.routers && hosts.length > 1
    const models = routed ? [random.pick(HONEST)] : drawModels(random)
    if (routed && MODELS[models[0]!]!.unknownHost === 404) answers404 = true
    const originSet = random.chance(0.15) ? hosts.map((host) => `https://${host}`) : undefined
    const servers = routed
      ? hosts.map((host): ServerScript => ({ model: models[0]!, hosts: [host], certificate }))
      : models.map((model): ServerScript => ({ model, certificate, ...(originSet === undefined ? {} : { originSet }) }))
    const ill = addresses.length > 1 && random.chance(wish.ill) ? random.pick(ILLNESSES) : undefined
    for (const [at, address] of addresses.entries()) {
      const own = ill !== undefined && at === 0 ? servers.map((server) => ({ ...server, ill })) : servers
      machines.push({ address, ...drawPath(random), servers: own })
    }
    for (const name of hosts) names.push({ name, addresses, ...drawRecord(random) })
    groups.push({ hosts, addresses, http1: models.every((model) => MODELS[model]!.h2 === undefined) })
  }
  return { groups, machines, names, answers404 }
}

/** One server, or a mix behind one address. */
function drawModels(random: Random): string[] {
  const length = random.weighted([
    [6, 1],
    [2, 2],
    [1, 3],
  ])
  return Array.from({ length }, () => random.pick(MANY))
}

function drawPath(random: Random): Omit<MachineScript, 'address' | 'servers'> {
  const latencyMs = random.log(1, 150)
  return {
    latencyMs,
    ...(random.chance(0.4) ? { jitterMs: Math.ceil(latencyMs / 2) } : {}),
    ...(random.chance(0.25) ? { loss: random.pick([0.001, 0.01, 0.05]) } : {}),
    ...(random.chance(0.2) ? { bandwidth: random.pick([100, 1_000, 10_000]) } : {}),
    ...(random.chance(0.15) ? { sliceBytes: random.pick([1, 7, 100, 1_460]) } : {}),
    ...(random.chance(0.25)
      ? { nat: { forgetAfterMs: random.pick([240_000, 300_000, 350_000]), mode: random.pick(['drop', 'reset'] as const) } }
      : {}),
  }
}

function drawRecord(random: Random): Omit<NameScript, 'name' | 'addresses'> {
  return {
    ...(random.chance(0.5) ? { ttl: random.pick([1, 5, 60, 300]) } : {}),
    ...(random.chance(0.3) ? { rotates: true } : {}),
  }
}
