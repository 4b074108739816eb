/** The facts that a pool learns from the outcomes of requests: about addresses, and about connections that several origins share. */

import type { Connector } from '../connect/connector.js'
import type { Diagnostics } from '../diagnostics/diagnostics.js'
import { TransportError } from '../errors/errors.js'
import type { SerializedOrigin } from '../message/origin.js'
import type { Connection } from '../transport/connection.js'
import type { PoolTarget } from '../transport/target.js'
import type { ConnectionRegistry } from './connection-registry.js'
import type { Growth } from './growth.js'
import type { Member } from './member.js'
import type { OriginPool } from './origin-pool.js'
import type { GuardedPolicy } from './reuse/guarded-policy.js'

/** Collaborators of outcomes. */
export interface OutcomesDeps {
  readonly connector: Pick<Connector, 'answered' | 'disproved'>
  readonly policy: GuardedPolicy
  readonly diagnostics: Diagnostics
  readonly registry: ConnectionRegistry
  readonly growth: Growth
  readonly pool: {
    find(target: PoolTarget): OriginPool | undefined
    readonly originPools: Iterable<OriginPool>
    /** Whether any origin pool has an isolation. */
    readonly isolates: boolean
  }
}

/** Records the outcomes of one pool's requests. Called by the calls. */
export class Outcomes {
  readonly #deps: OutcomesDeps

  constructor(deps: OutcomesDeps) {
    this.#deps = deps
  }

  /** Records the first response to an origin over a connection: its address works for this origin. */
  proved(member: Member, { origin, record }: PoolTarget): void {
    const { connection } = member
    member.proved = true
    record.newestProved = Math.max(record.newestProved ?? 0, connection.id)
    this.#deps.connector.answered(connection.route, origin)
  }

  /** Records a request that ended without a response. An HTTP/1.1 server that has sent nothing counts against its address. */
  timedOut({ connection, coalesced, proved }: Member): void {
    if (!coalesced && proved !== true && connection.protocol === 'http/1.1') this.#deps.connector.disproved(connection.route)
  }

  /**
   * Records a failed request. A connection that was lost before its first response counts against
   * the address, unless it was idle: then the server has most likely closed it for that, as it will
   * close the other idle ones. They are closed, so that a replay does not meet the next one. A path
   * that TCP has given up was not closed.
   */
  failed({ connection, coalesced, proved }: Member, error: Error, target: PoolTarget): void {
    if (connection.state === 'open' || !(error instanceof TransportError) || error.initiator !== 'peer') return
    const wasClosedIdle = connection.wasIdle === true && connection.state === 'closed' && error.code !== 'ETIMEDOUT'
    if (wasClosedIdle) this.#closeIdle(target)
    else if (proved !== true && !coalesced) this.#deps.connector.disproved(connection.route)
  }

  #closeIdle(target: PoolTarget): void {
    for (const { connection } of [...(this.#deps.pool.find(target)?.members ?? [])]) {
      if (connection.protocol === 'http/1.1' && connection.active === 0) void connection.close()
    }
  }

  /** Whether this status counts as a 421 for idempotent requests on a shared connection. */
  suspects(status: number): boolean {
    return this.#deps.policy.suspectStatuses.has(status)
  }

  /**
   * Records a 421 from a shared connection (RFC 9110 §15.5.20). The next connection is dialed for
   * the target's own host, without asking the policy; the shared one stays open.
   */
  misdirected(target: PoolTarget, connection: Connection, status: number): void {
    const origin = target.origin.serialized
    this.#deps.policy.misdirected(connection, target.origin)
    this.#deps.diagnostics.misdirected({ origin, connection: connection.id, status })
    const originPool = this.#deps.pool.find(target)
    // Not needed if a connection made for this target is open.
    target.record.misdirected = originPool === undefined || originPool.own === 0
    this.#deps.registry.markMisdirected(originPool, connection, origin)
    if (originPool !== undefined) this.#deps.growth.settle(originPool)
    this.#reviewIsolated(originPool, origin)
  }

  /** A 421 applies to every isolation of the origin, although each has its own connections. */
  #reviewIsolated(but: OriginPool | undefined, origin: SerializedOrigin): void {
    if (!this.#deps.pool.isolates) return
    for (const originPool of this.#deps.pool.originPools) {
      if (originPool === but || originPool.target.origin.serialized !== origin) continue
      this.#deps.registry.review(originPool)
    }
  }

  /** A trial request got a response other than 421: the others may follow. */
  answered(target: PoolTarget, member: Member): void {
    member.trial = undefined
    this.#deps.policy.answered(member.connection, target.origin)
    this.#serve(target, member)
  }

  /** A trial request ended without a response: the next request becomes the trial. */
  unanswered(target: PoolTarget, member: Member): void {
    member.trial = 'due'
    this.#serve(target, member)
  }

  #serve(target: PoolTarget, member: Member): void {
    const originPool = this.#deps.pool.find(target)
    const pooled = this.#deps.registry.of(member.connection)
    if (pooled !== undefined && originPool?.memberOf(member.connection) === member) {
      this.#deps.registry.serve(originPool, member.connection, pooled)
    }
  }
}
