/**
 * Drains redundant connections: of two connections, of which one covers every origin of the other,
 * the other should close (RFC 8336 §2.4). Waits until its requests fit on the one that stays.
 */

import type { Connection } from '../transport/connection.js'
import type { PooledConnection } from './pooled-connection.js'
import { type CandidateIndex, MAX_OFFERED } from './reuse/candidate-index.js'
import { policyView } from './reuse/reuse-lookup.js'
import { isGrant, type ReusePolicy } from './reuse/reuse-policy.js'

/** Looks up the pool's record of a connection. */
type PooledConnectionOf = { get(connection: Connection): PooledConnection | undefined }

/**
 * After a change of the Origin Set of `covering`: marks the connections it covers, and closes those
 * whose requests fit.
 */
export function markRedundant(
  covering: Connection,
  registry: PooledConnectionOf,
  policy: ReusePolicy,
  index: CandidateIndex,
): void {
  const before = registry.get(covering)?.redundant ?? []
  for (const other of new Set([...before, ...candidates(covering, index)])) {
    const pooled = registry.get(other)
    if (pooled === undefined) continue
    if (!covers(covering, other, pooled, policy)) {
      // It may have covered this connection before: a 421 removes an origin from the set.
      if (pooled.coveredBy === covering) pooled.coveredBy = undefined
      continue
    }
    pooled.coveredBy = covering
    const own = registry.get(covering)
    if (own !== undefined) own.redundant = (own.redundant ?? new Set()).add(other)
    drainRedundant(other, pooled)
  }
}

/** After a change of capacity or load: closes covered connections whose requests now fit. */
export function reviewRedundant(connection: Connection, pooled: PooledConnection, registry: PooledConnectionOf): void {
  if (pooled.coveredBy !== undefined) drainRedundant(connection, pooled)
  for (const covered of pooled.redundant ?? []) {
    const other = registry.get(covered)
    if (other?.coveredBy === connection) drainRedundant(covered, other)
    else pooled.redundant!.delete(covered)
  }
}

/** Closes a covered connection if its requests fit on the one that covers it. */
function drainRedundant(covered: Connection, pooled: PooledConnection): void {
  const covering = pooled.coveredBy!
  if (covered.state !== 'open' || covering.state !== 'open') pooled.coveredBy = undefined
  else if (covered.active <= covering.capacity) void covered.close()
}

/** Connections made for an origin of the set. Bounded, as the set is. */
function candidates(covering: Connection, index: CandidateIndex): Set<Connection> {
  const found = new Set<Connection>()
  const { reuseKey } = covering.route
  for (const origin of covering.originSet ?? []) {
    for (const connection of index.madeFor(origin, reuseKey)) {
      if (connection !== covering && found.size < MAX_OFFERED) found.add(connection)
    }
  }
  return found
}

/**
 * Whether `covering` would be used for every origin of `other`. If each covers the other, the older
 * stays.
 */
function covers(covering: Connection, other: Connection, { originPools }: PooledConnection, policy: ReusePolicy): boolean {
  const set = covering.originSet!
  if (other.protocol !== 'h2' || other.state !== 'open') return false
  // How many connections one origin has is decided by its settings.
  if (other.route.origin.serialized === covering.route.origin.serialized) return false
  for (const origin of other.originSet ?? [other.route.origin.serialized]) if (!set.has(origin)) return false
  if (other.originSet?.size === set.size && other.id < covering.id) return false
  for (const { target, members } of originPools) {
    const view = members.find(({ connection }) => connection === other)?.target ?? policyView(target, other.route.addresses)
    if (!isGrant(policy.verdict(covering, view))) return false
  }
  return true
}
