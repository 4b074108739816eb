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

/** Illnesses that are noticed late are more frequent. */
const ILLNESSES: readonly (readonly [weight: number, ill: Illness])[] = [
  [1, 'silent'],
  [1, 'alert'],
  [3, 'late-settings'],
  [1, 'slow'],
  [1, 'refuses'],
  [2, 'mute'],
  [1, 'closes'],
  [1, 'goaway'],
  [1, 'plain'],
  [1, 'misnamed'],
]
/**
 * Models of servers behind one address: all, in the order of their table. One more model changes the
 * servers that seeds draw.
 */
export const MANY: readonly string[] = Object.keys(MODELS)
/** Models that say so if they do not have a host. */
export const HONEST = ['apache', 'caddy', 'apns', 'envoy'] as const

const GROUPS = [
  [5, 1],
  [3, 2],
  [1, 3],
] as const
const HOSTS = [
  [3, 1],
  [3, 2],
  [2, 4],
  [1, 8],
] as const
const ADDRESSES = [
  [5, 1],
  [4, 2],
  [1, 3],
] as const

/** A group and its part of the world. */
interface DrawnGroup {
  readonly group: Group
  readonly machines: readonly MachineScript[]
  readonly names: readonly NameScript[]
  readonly answers404: boolean
}

export function drawTopology(random: Random, wish: TopologyWish): Topology {
  const count = random.weighted(GROUPS)
  const drawn = Array.from({ length: count }, (_, index) => drawGroup(random, wish, index + 1))
  return {
    groups: drawn.map(({ group }) => group),
    machines: drawn.flatMap(({ machines }) => machines),
    names: drawn.flatMap(({ names }) => names),
    answers404: drawn.some(({ answers404 }) => answers404),
  }
}

function drawGroup(random: Random, wish: TopologyWish, index: number): DrawnGroup {
  const domain = `g${index}.sim.example`
  const hosts = Array.from({ length: random.weighted(HOSTS) }, (_, host) => `h${host + 1}.${domain}`)
  const least = wish.ill > 0.5 ? 2 : 1
  const addresses = Array.from({ length: Math.max(least, random.weighted(ADDRESSES)) }, (_, at) => `10.0.${index}.${at + 1}`)
  const certificate = random.chance(0.6) ? [`*.${domain}`] : hosts
  const routed = wish.routers && hosts.length > 1
  const models = routed ? [random.pick(HONEST)] : drawModels(random)
  const servers = routed
    ? hosts.map((host): ServerScript => ({ model: models[0]!, hosts: [host], certificate }))
    : drawServers(random, models, hosts, certificate)
  const ill = addresses.length > 1 && random.chance(wish.ill) ? drawIllness(random, models) : undefined
  const machines = addresses.map((address, at): MachineScript => {
    const own = ill !== undefined && at === 0 ? servers.map((server) => ({ ...server, ill })) : servers
    return { address, ...drawPath(random), servers: own }
  })
  return {
    group: { hosts, addresses, http1: models.every((model) => MODELS[model]!.h2 === undefined) },
    machines,
    names: hosts.map((name) => ({ name, addresses, ...drawRecord(random) })),
    answers404: routed && MODELS[models[0]!]!.unknownHost === 404,
  }
}

/** Servers that connections go to in turn. */
function drawServers(
  random: Random,
  models: readonly string[],
  hosts: readonly string[],
  certificate: readonly string[],
): ServerScript[] {
  const originSet = random.chance(0.15) ? { originSet: hosts.map((host) => `https://${host}`) } : {}
  return models.map((model) => ({ model, certificate, ...originSet, ...drawReads(random, model) }))
}

/** Silence after the handshake is noticed only over HTTP/2. */
export function drawIllness(random: Random, models: readonly string[]): Illness {
  const ill = random.weighted(ILLNESSES)
  return ill === 'mute' && models.some((model) => MODELS[model]!.h2 === undefined) ? 'silent' : ill
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

/** Draws handlers that read an upload in small pieces. */
export function drawReads(random: Random, model: string): Pick<ServerScript, 'readBytes'> {
  if (MODELS[model]!.h2?.credit !== 'per-read' || random.chance(0.5)) return {}
  return { readBytes: random.pick([64, 512, 1_024]) }
}

/** Draws the path to a machine. */
export function drawPath(random: Random): Omit<MachineScript, 'address' | 'servers'> {
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

/** Draws how the resolver answers for a name. */
export function drawRecord(random: Random): Omit<NameScript, 'name' | 'addresses'> {
  return {
    ...(random.chance(0.5) ? { ttl: random.pick([1, 5, 60, 300]) } : {}),
    ...(random.chance(0.3) ? { rotates: true } : {}),
  }
}
