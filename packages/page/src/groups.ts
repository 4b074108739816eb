/** Facts about the entries of one connection, and of all. Knows nothing about elements. */

import type { PageEntry } from '../index.js'
import { CONNECT, TLS } from './phases.js'

/** Key of the group of entries that had no connection yet, or never one. */
export const NO_CONNECTION = 'none'

/** Returns the key of an entry's group. Entries of one key have one connection, or an unknown one. */
export function keyOf({ connection, address, status, isPending, error }: PageEntry): string {
  if (connection !== '') return `connection ${connection}`
  if (isPending || status === 0 || error !== '') return NO_CONNECTION
  return `address ${address}`
}

/** Facts of a group, for its heading. */
export interface GroupFacts {
  /** Hosts in the order of their first entry, with the number of their entries. */
  readonly hosts: ReadonlyMap<string, number>
  readonly protocol: string
  readonly address: string
  readonly connection: string
  readonly bytes: number
  readonly requests: number
}

/** Collects the facts of a group. @param entries at least one. */
export function factsOf(entries: readonly PageEntry[]): GroupFacts {
  const hosts = new Map<string, number>()
  let bytes = 0
  let protocol = ''
  let address = ''
  for (const entry of entries) {
    hosts.set(entry.host, (hosts.get(entry.host) ?? 0) + 1)
    bytes += Math.max(0, entry.receivedBytes)
    if (protocol === '') protocol = entry.protocol
    if (address === '') address = entry.address
  }
  return { hosts, protocol, address, connection: entries[0]!.connection, bytes, requests: entries.length }
}

/** Totals of a page. */
export interface Totals {
  readonly requests: number
  readonly pending: number
  readonly hosts: number
  readonly connections: number
  /** Sum over all connections of their hosts but the first. */
  readonly saved: number
  readonly handshakes: number
  readonly bytes: number
  /** From the first start to the last end, in milliseconds. */
  readonly timeMs: number
  /** Requests without a response. */
  readonly failed: number
  /** Responses with a status of 400 or above. */
  readonly refused: number
}

/** Whether a request failed: it has no response, or not a whole one. */
export function hasFailed({ isPending, status, error }: PageEntry): boolean {
  return !isPending && (status === 0 || error !== '')
}

/** Counts all entries. */
export function totalsOf(entries: Iterable<PageEntry>): Totals {
  const hosts = new Set<string>()
  const connections = new Map<string, Set<string>>()
  const dialed = new Set<string>()
  const sums = { requests: 0, pending: 0, handshakes: 0, bytes: 0, failed: 0, refused: 0 }
  for (const entry of entries) {
    const { host, connection } = entry
    sums.requests++
    if (entry.isPending) sums.pending++
    if (hasFailed(entry)) sums.failed++
    else if (entry.status >= 400) sums.refused++
    sums.bytes += Math.max(0, entry.receivedBytes)
    hosts.add(host)
    if (connection !== '') connections.set(connection, (connections.get(connection) ?? new Set()).add(host))
    if (!opened(entry)) continue
    // Without its connection, each such entry had a handshake of its own.
    if (connection === '') sums.handshakes++
    else dialed.add(connection)
  }
  const saved = [...connections.values()].reduce((sum, served) => sum + served.size - 1, 0)
  const { fromMs, toMs } = rangeOf(entries)
  const handshakes = sums.handshakes + dialed.size
  return { ...sums, handshakes, saved, hosts: hosts.size, connections: connections.size, timeMs: toMs - fromMs }
}

/** Whether the entry had to wait for a new connection. */
function opened({ phases }: PageEntry): boolean {
  return phases[CONNECT]! > 0 || phases[TLS]! > 0
}

/** The first start and the last end, in milliseconds since 1970. */
export function rangeOf(entries: Iterable<PageEntry>): { fromMs: number; toMs: number } {
  let fromMs = Number.POSITIVE_INFINITY
  let toMs = Number.NEGATIVE_INFINITY
  for (const { startMs, durationMs } of entries) {
    fromMs = Math.min(fromMs, startMs)
    toMs = Math.max(toMs, startMs + durationMs)
  }
  return fromMs > toMs ? { fromMs: 0, toMs: 0 } : { fromMs, toMs }
}
