/**
 * Sharing never costs: a world is run twice, with shared connections and with connections for one
 * origin each, and no request may be lost only because of sharing.
 */

import type { Finding, RequestRecord } from '../ledger/ledger.js'
import type { FaultKind, FaultScript, MachineScript, WorldScript } from '../script/script.js'
import { BACKOFF_MS } from './disturbance.js'
import { isLimited, isWait } from './queueing.js'
import { isInnocent, SLOW_LINE } from './rules/recovery.js'

/** Differences between two runs of one world. A response that has begun counts as received: it cannot be asked for again. */
export interface Comparison {
  /** Requests that must not be lost. */
  readonly compared: number
  /** Lost only with shared connections. */
  readonly lostShared: number
  /** Lost only without. */
  readonly lostApart: number
  readonly findings: readonly Finding[]
}

/**
 * Requests that may be lost only with shared connections, as a part of all: when a connection dies twice while a request is in flight, which
 * requests are in flight is a matter of milliseconds in both runs.
 */
const ALLOWED_PART = 0.05
const ALLOWED_LEAST = 2

/** Faults during which no connection can be made, or which end dials: a failed dial fails all requests that wait for it. */
const PREVENTING: ReadonlySet<FaultKind> = new Set([
  ...(['refuse', 'ignore-syn', 'hang', 'kill', 'freeze', 'reset-flows', 'half-close'] as const),
  ...(['black-hole', 'black-hole-to-client', 'black-hole-to-server'] as const),
])
/** Phases of errors without a connection. */
const UNCONNECTED: ReadonlySet<string> = new Set(['connect', 'queue', 'tcp', 'tls'])

export function compareSharing(
  { faults, client, machines, names, requests }: WorldScript,
  shared: ReadonlyMap<number, RequestRecord>,
  apart: ReadonlyMap<number, RequestRecord>,
): Comparison {
  let compared = 0
  const parted = new Set(faults.map(({ kind, where }) => (kind === 'dns-missing' ? `https://${where}` : undefined)))
  const resolves = (origin: string): boolean => client.options['lookupTtlMs'] === 0 || parted.has(origin)
  const isSilent = faults.some(({ kind }) => kind === 'dns-silent' || kind === 'dns-slow')
  const waits = isLimited(client)
  const preventing = faults.filter(({ kind }) => PREVENTING.has(kind))
  const hasPoison = requests.some(({ poison }) => poison !== undefined)
  // Over a flooded line, all requests are in flight when a request kills the server, and again at the next end.
  const isFlooded = hasPoison && machines.some(({ bandwidth = SLOW_LINE }) => bandwidth < SLOW_LINE)
  const moves = faults.filter(
    ({ kind, addresses = [] }) => kind === 'dns-moves' && !machines.some((each) => isWellAt(each, addresses)),
  )
  const isPrevented = (address: string, record: RequestRecord): boolean =>
    preventing.some((fault) => (fault.where ?? address) === address && concerns(fault, record))
  const isLost = (record: RequestRecord): boolean => {
    if (isCutOff(addressesOf(names, record), machines, (address) => isPrevented(address, record))) return false
    if (isFlooded || moves.some((fault) => movesAway(fault, record))) return false
    if (isAnswered(record) || (resolves(record.script.origin) && isUnresolved(record, isSilent))) return false
    // A client that is closed fails its requests after a while: how many there are depends on its speed.
    if (record.outcome?.error?.code === 'ERR_CLIENT_CLOSED') return false
    // Fewer connections are dialed at the same time, and requests that have one each wait for them.
    if (waits && isWait(record.outcome?.error)) return false
    return !isUnconnected(record) || !(hasPoison || preventing.some((fault) => concerns(fault, record)))
  }
  const lostShared: RequestRecord[] = []
  const lostApart: RequestRecord[] = []
  for (const [id, record] of shared) {
    const other = apart.get(id)
    if (other === undefined || record.probe || !isInnocent(record)) continue
    compared++
    if (isLost(record) && !isLost(other)) lostShared.push(record)
    if (isLost(other) && !isLost(record)) lostApart.push(other)
  }
  const allowed = lostApart.length + Math.max(ALLOWED_LEAST, ALLOWED_PART * compared)
  const findings: Finding[] = []
  if (lostShared.length > allowed) {
    const { script, outcome } = lostShared[0]!
    const text = `${lostShared.length} of ${compared} requests are lost only with shared connections, ${lostApart.length} only without; the first by ${outcome?.error?.code}`
    findings.push({ rule: 'sharing', text, request: script.id })
  }
  return { compared, lostShared: lostShared.length, lostApart: lostApart.length, findings }
}

/**
 * Whether a request got no connection. While connections cannot be made, a shared one that ends takes
 * several hosts with it, and all wait for the same dials; apart, some would have gone on, and each
 * dials at its own times.
 */
function isUnconnected({ outcome }: RequestRecord): boolean {
  return outcome?.error?.phase !== undefined && UNCONNECTED.has(outcome.error.phase)
}

function addressesOf(names: WorldScript['names'], { script: { origin } }: RequestRecord): readonly string[] {
  return names.find(({ name }) => origin === `https://${name}`)?.addresses ?? []
}

/**
 * Whether a fault prevents connections to every well machine behind a name, and ill ones are left:
 * a request ends without a connection, or on one to an ill server, and which is a matter of chance.
 */
function isCutOff(
  addresses: readonly string[],
  machines: readonly MachineScript[],
  isPrevented: (address: string) => boolean,
): boolean {
  const well = addresses.filter((address) => machines.some((machine) => isWellAt(machine, [address])))
  return well.length > 0 && well.length < addresses.length && well.every(isPrevented)
}

function isWellAt({ address, servers }: MachineScript, addresses: readonly string[]): boolean {
  return addresses.includes(address) && servers.some(({ ill }) => ill === undefined)
}

/**
 * Whether the name of a request has moved to ill servers only. A shared connection ends with the
 * answer of the resolver; the origin's own connection to a well server goes on.
 */
function movesAway({ at, where }: FaultScript, { script: { origin }, outcome }: RequestRecord): boolean {
  return origin === `https://${where}` && (outcome === undefined || outcome.at >= at)
}

/** Whether a request ended while connections could not be made, or before the next dial. */
function concerns({ at, until }: FaultScript, { startedAt, outcome }: RequestRecord): boolean {
  return startedAt < until + BACKOFF_MS && (outcome === undefined || outcome.at >= at)
}

function isAnswered({ outcome }: RequestRecord): boolean {
  return outcome?.status === 200
}

/**
 * A name that does not exist for a while parts hosts that share a connection, and the client resolves
 * it again, as it does for each request with `lookupTtlMs: 0`; the origin's own connection would go on.
 */
function isUnresolved({ outcome }: RequestRecord, isSilent: boolean): boolean {
  const phase = outcome?.error?.phase
  return phase === 'resolve' || (isSilent && phase === 'connect')
}
