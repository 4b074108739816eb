/** Changes of what goes wrong, and when. */

import {
  DNS_FAULTS,
  drawFault,
  durationOf,
  LEAST_ROAMING_MS,
  MACHINE_FAULTS,
  NETWORK_FAULTS,
  type Weights,
} from '../draw/fault.js'
import type { Random } from '../kernel/random.js'
import type { FaultKind, FaultScript, WorldScript } from '../script/script.js'
import { isRouted, topologyOf } from './topology-of.js'

/** As many as a drawn world has at most. */
const MOST_FAULTS = 6
/** Time between a request and a fault that hits it. */
const NEAR_MS = 2_000

export function isNetworkFault(kind: FaultKind): boolean {
  return NETWORK_FAULTS.some(([, each]) => each === kind)
}

/** Faults that a drawn world with such a topology may have. */
function weightsFor({ proxy, machines }: WorldScript): Weights {
  if (proxy !== undefined || machines.some(({ servers }) => isRouted(servers))) return NETWORK_FAULTS
  return [...NETWORK_FAULTS, ...DNS_FAULTS, ...MACHINE_FAULTS]
}

/** Time in which requests begin. */
function spanOf({ requests }: WorldScript): number {
  return requests.reduce((span, { at }) => Math.max(span, at), 0)
}

/** A time shortly before or after a request begins, or another fault does. */
function nearTime(random: Random, { requests, faults }: WorldScript): number {
  const near = faults.length > 1 && random.chance(0.3) ? random.pick(faults) : random.pick(requests)
  return Math.max(0, near.at + random.int(-50, NEAR_MS))
}

/** Moves a fault to another time. */
function movedTo(fault: FaultScript, at: number): FaultScript {
  return { ...fault, at, until: at + fault.until - fault.at }
}

/** Gives a fault another duration. A machine that sleeps for a moment stays in its network. */
function lasting(fault: FaultScript, durationMs: number): FaultScript {
  const { roams, ...others } = fault
  return { ...others, ...(roams === true && durationMs >= LEAST_ROAMING_MS ? { roams } : {}), until: fault.at + durationMs }
}

function drawNear(random: Random, script: WorldScript): FaultScript {
  const fault = drawFault(random, topologyOf(script), random.weighted(weightsFor(script)), spanOf(script))
  return random.chance(0.7) ? movedTo(fault, nearTime(random, script)) : fault
}

function replaceOne(random: Random, script: WorldScript, change: (fault: FaultScript) => FaultScript): WorldScript {
  const { faults } = script
  if (faults.length === 0) return addFault(random, script)
  const index = random.int(0, faults.length - 1)
  return { ...script, faults: faults.map((fault, at) => (at === index ? change(fault) : fault)) }
}

export function addFault(random: Random, script: WorldScript): WorldScript {
  return { ...script, faults: [...script.faults, drawNear(random, script)].slice(-MOST_FAULTS) }
}

export function removeFault(random: Random, script: WorldScript): WorldScript {
  const left = random.int(0, Math.max(0, script.faults.length - 1))
  return { ...script, faults: script.faults.filter((_, at) => at !== left) }
}

/** Moves a fault to where a request or another fault is. */
export function moveFault(random: Random, script: WorldScript): WorldScript {
  return replaceOne(random, script, (fault) => movedTo(fault, nearTime(random, script)))
}

/** Changes how long a fault lasts. */
export function stretchFault(random: Random, script: WorldScript): WorldScript {
  return replaceOne(random, script, (fault) => lasting(fault, durationOf(fault.kind, random)))
}

/** Another fault at the same time. */
export function changeKind(random: Random, script: WorldScript): WorldScript {
  return replaceOne(random, script, ({ at }) => movedTo(drawNear(random, script), at))
}

/** Repeats a fault shortly after it. */
export function repeatFault(random: Random, script: WorldScript): WorldScript {
  if (script.faults.length === 0) return addFault(random, script)
  const fault = random.pick(script.faults)
  const again = movedTo(fault, fault.until + random.log(1, 60_000))
  return { ...script, faults: [...script.faults, again].slice(-MOST_FAULTS) }
}

/** Takes over the faults of another script, each to a machine or a name of this one. */
export function spliceFaults(random: Random, script: WorldScript, other: WorldScript): WorldScript {
  const kinds = new Set(weightsFor(script).map(([, kind]) => kind))
  const topology = topologyOf(script)
  const [span, otherSpan] = [spanOf(script), spanOf(other)]
  const taken = other.faults.filter(({ kind }) => kinds.has(kind))
  const faults = taken.map((fault): FaultScript => {
    const { where: _, addresses: __, ...own } = fault
    const { where, addresses } = drawFault(random, topology, fault.kind, span)
    const at = otherSpan > span ? Math.round((fault.at / otherSpan) * span) : fault.at
    return movedTo({ ...own, ...(where === undefined ? {} : { where }), ...(addresses === undefined ? {} : { addresses }) }, at)
  })
  const kept = random.chance(0.5) ? script.faults : []
  return { ...script, faults: [...kept, ...faults].slice(-MOST_FAULTS) }
}
