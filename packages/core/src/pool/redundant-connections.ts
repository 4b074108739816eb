/**
 * RFC 8336 §2.4: a client that has two connections, of which one answers for all that the other does, should drain the other. Done when
 * its requests would fit on the one that stays, so that nobody waits for it.
 */

import type { Connection } from '../transport/connection.js'
import type { PooledConnection } from './pooled-connection.js'
import { type CandidateIndex, MAX_OFFERED } from './reuse/candidate-index.js'
import { policyView } from './reuse/reuse-lookup.js'
import { isGrant, type ReusePolicy } from './reuse/reuse-policy.js'

/** What is known of the connections of a pool. */
type PooledConnectionOf = { get(connection: Connection): PooledConnection | undefined }

/** The Origin Set of `covering` has changed: marks the connections that it covers, and closes those that may go at once. */
export function markRedundant(
  covering: Connection,
  services: PooledConnectionOf,
  policy: ReusePolicy,
  index: CandidateIndex,
): void {
  const before = services.get(covering)?.redundant ?? []
  for (const other of new Set([...before, ...candidates(covering, index)])) {
    const pooled = services.get(other)
    if (pooled === undefined) continue
    if (!covers(covering, other, pooled, policy)) {
      // What it covered before it may not cover now: an origin that was disowned has left the set.
      if (pooled.coveredBy === covering) pooled.coveredBy = undefined
      continue
    }
    pooled.coveredBy = covering
    const own = services.get(covering)
    if (own !== undefined) own.redundant = (own.redundant ?? new Set()).add(other)
    drainRedundant(other, pooled)
  }
}

/** Either of them has changed: room here, fewer requests there. */
export function reviewRedundant(connection: Connection, pooled: PooledConnection, services: PooledConnectionOf): void {
  if (pooled.coveredBy !== undefined) drainRedundant(connection, pooled)
  for (const covered of pooled.redundant ?? []) {
    const other = services.get(covered)
    if (other?.coveredBy === connection) drainRedundant(covered, other)
    else pooled.redundant!.delete(covered)
  }
}

/** Closes a connection that is covered, if its requests fit on the one that covers it. */
function drainRedundant(covered: Connection, pooled: PooledConnection): void {
  const covering = pooled.coveredBy!
  if (covered.state !== 'open' || covering.state !== 'open') pooled.coveredBy = undefined
  else if (covered.active <= covering.capacity) void covered.close()
}

/** Connections that were made for one of its origins, or list one: each of those looks is bounded, as the set is. */
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

/** Whether `covering` answers for everything that `other` does, and would be used for it. Of two that cover each other the older stays. */
function covers(covering: Connection, other: Connection, { originPools }: PooledConnection, policy: ReusePolicy): boolean {
  const set = covering.originSet!
  if (other.protocol !== 'h2' || other.state !== 'open') return false
  // How many connections an origin has of its own is for its settings to say.
  if (other.route.origin.serialized === covering.route.origin.serialized) return false
  for (const origin of other.originSet ?? [other.route.origin.serialized]) if (!set.has(origin)) return false
  if (other.originSet?.size === set.size && other.id < covering.id) return false
  for (const { target, members } of originPools) {
    const seen = members.find(({ connection }) => connection === other)?.target ?? policyView(target, other.route.addresses)
    if (!isGrant(policy.verdict(covering, seen))) return false
  }
  return true
}
