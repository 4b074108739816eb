/**
 * Limits of the client that are known: rules leave the requests out that they concern. Each says why.
 * Mending the client means deleting a function here.
 */

import type { RequestRecord } from '../ledger/ledger.js'
import type { MachineScript, RequestScript } from '../script/script.js'
import type { Environment } from '../world/environment.js'

/** How long a failed address is tried last. */
const FAILED_MS = 31_000
/** RFC 8305 §5: another address is tried after this time without a connection. */
const ATTEMPT_DELAY_MS = 250

/** A connection that is found dead by the next PING, 310 s after the last one, and 30 s of silence. */
const UNVERIFIED_MS = 345_000

/** Streams that are silent for longer may hold a connection for full. */
const SILENT_MS = 45_000

/** Whether a request may fail although a server behind an address of its origin is well. */
export function isKnownLimit(environment: Environment, record: RequestRecord): boolean {
  if (isAsleepWithStreams(environment, record) || isBesideSilence(environment, record)) return true
  const machines = machinesOf(environment, record.script)
  if (!machines.some(isIll)) return false
  return isOutrun(machines) || isOrderUnknown(environment, record)
}

/**
 * A connection with an open stream is not verified after a suspend: its PING comes 15 s later, or 5
 * minutes after the last one if that was answered by nothing else.
 */
function isAsleepWithStreams({ script: world, ledger }: Environment, { startedAt }: RequestRecord): boolean {
  return world.faults.some(({ kind, at, until, roams }) => {
    if (kind !== 'suspend' || roams !== true || startedAt < at || startedAt > until + UNVERIFIED_MS) return false
    for (const each of ledger.records.values()) {
      if (each.startedAt <= at && (each.outcome === undefined || each.outcome.at >= at)) return true
    }
    return false
  })
}

/**
 * A connection whose streams are silent for a minute gets a second one beside it. When the first moves
 * again, the second is closed even while a request waits for its verification, and that request
 * waits on for as long as no stream of the first ends.
 */
function isBesideSilence({ ledger }: Environment, { startedAt, outcome }: RequestRecord): boolean {
  if (outcome?.error !== undefined && outcome.error.phase !== 'queue') return false
  for (const { script, startedAt: since, outcome: other } of ledger.records.values()) {
    const isLong = script.thinkMs >= SILENT_MS || (script.everyMs ?? 0) >= SILENT_MS
    if (isLong && since <= startedAt && (other === undefined || other.at >= startedAt)) return true
  }
  return false
}

/**
 * The client tries a failed address last, but 250 ms after the well one: a well address that is far
 * away, or loses a packet, loses the race against an ill one that is near.
 */
function isOutrun(machines: readonly MachineScript[]): boolean {
  return machines.some((machine) => {
    const { latencyMs, jitterMs = 0, loss = 0 } = machine
    return !isIll(machine) && (loss > 0 || 2 * (latencyMs + jitterMs) >= ATTEMPT_DELAY_MS)
  })
}

/** Of several addresses that have failed within 30 s, the client does not know which one failed last. */
function isOrderUnknown({ script: world }: Environment, { startedAt, outcome }: RequestRecord): boolean {
  const endedAt = outcome?.at ?? startedAt
  const isNear = (from: number, until: number): boolean => startedAt < until + FAILED_MS && endedAt >= from
  return (
    world.faults.some(({ at, until }) => isNear(at, until)) ||
    world.requests.some(({ poison, at, thinkMs }) => poison !== undefined && isNear(at, at + 2 * thinkMs))
  )
}

function machinesOf({ records, hosts }: Environment, { origin }: RequestScript): MachineScript[] {
  const addresses = records.get(origin.replace(/^https?:\/\//, ''))?.addresses ?? []
  return addresses.flatMap((address) => hosts.get(address)?.script ?? [])
}

function isIll({ servers }: MachineScript): boolean {
  return servers.some(({ ill }) => ill !== undefined)
}
