/**
 * Sharing never costs: a world is run twice, with shared connections and with connections for one
 * origin each, and no request may be lost only because of sharing.
 */

import type { Finding, RequestRecord } from '../ledger/ledger.js'
import type { WorldScript } from '../script/script.js'
import { isInnocent } from './rules/recovery.js'

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

export function compareSharing(
  { faults, client }: WorldScript,
  shared: ReadonlyMap<number, RequestRecord>,
  apart: ReadonlyMap<number, RequestRecord>,
): Comparison {
  let compared = 0
  const parted = new Set(faults.map(({ kind, where }) => (kind === 'dns-missing' ? `https://${where}` : undefined)))
  const resolves = (origin: string): boolean => client.options['lookupTtlMs'] === 0 || parted.has(origin)
  const isLost = (record: RequestRecord): boolean =>
    !isAnswered(record) && !(resolves(record.script.origin) && isUnresolved(record))
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

function isAnswered({ outcome }: RequestRecord): boolean {
  return outcome?.status === 200
}

/**
 * A name that does not exist for a while parts hosts that share a connection, and the client resolves
 * it again, as it does for each request with `lookupTtlMs: 0`; the origin's own connection would go on.
 */
function isUnresolved({ outcome }: RequestRecord): boolean {
  return outcome?.error?.phase === 'resolve'
}
