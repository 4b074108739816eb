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

/** Whether a request may fail although a server behind an address of its origin is well. */
export function isKnownLimit(environment: Environment, record: RequestRecord): boolean {
  const machines = machinesOf(environment, record.script)
  if (!machines.some(isIll)) return false
  return isOutrun(machines) || isOrderUnknown(environment, record)
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
