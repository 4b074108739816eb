/** Explains what a request would do without sending it, with the verdict for every candidate. */

import { isForbidden } from '../connect/address-guard.js'
import type { ReuseReason } from '../message/reasons.js'
import type { ConnectionInfo } from '../message/response.js'
import type { Connection } from '../transport/connection.js'
import type { Address } from '../transport/route.js'
import type { PoolTarget, Target } from '../transport/target.js'
import { connectionInfo } from './member.js'
import type { OriginPool } from './origin-pool.js'
import { policyView, type ReuseLookup } from './reuse/reuse-lookup.js'
import type { Dial, ReusePolicy, Verdict } from './reuse/reuse-policy.js'

/** One open connection or pending dial, with the verdict on it. */
export interface ExplainedCandidate {
  /** The connection's number; `undefined` for a pending dial. */
  readonly connection: number | undefined
  /** The origin it was made for. */
  readonly origin: string
  /** The remote address of the connection, or the addresses the dial is trying. */
  readonly addresses: readonly string[]
  /** `own`: it was made for this origin, or serves it already. */
  readonly verdict: 'own' | 'use' | 'wait' | 'refuse'
  /** The named reason: see docs/reference/reasons.md. */
  readonly because: ReuseReason
}

/** The result of `Client.explain`. */
export interface Explanation {
  readonly origin: string
  /**
   * The addresses of the host now; empty behind a proxy or over a Unix socket, where none are
   * resolved.
   */
  readonly addresses: readonly string[]
  /** Whether a request would use an open connection, wait for a pending dial, or dial. */
  readonly action: 'use' | 'wait' | 'dial'
  readonly because: ReuseReason
  /** The connection the request would use, if `action` is `use`. */
  readonly connection: ConnectionInfo | undefined
  readonly candidates: readonly ExplainedCandidate[]
}

/** Dependencies of `explain`. */
export interface ExplainDeps {
  readonly reuse: ReuseLookup
  readonly policy: ReusePolicy
  readonly connections: Iterable<Connection>
  readonly dials: Iterable<Dial>
}

/** Explains a request to a target whose addresses are resolved. */
export function explain(
  pooled: PoolTarget,
  addresses: readonly Address[],
  originPool: OriginPool | undefined,
  deps: ExplainDeps,
): Explanation {
  const members = originPool?.members ?? []
  const decision = deps.reuse.preview(pooled, addresses)
  const target = policyView(pooled, addresses)
  const first = members[0]
  const candidates = [
    ...[...deps.connections].map((each) => explainConnection(each, pooled, target, originPool, deps)),
    ...[...deps.dials].map((each) => explainDial(each, target, deps)),
  ]
  const common = { origin: target.origin.serialized, addresses: textOf(addresses), candidates }
  if (first !== undefined) return { ...common, action: 'use', because: first.because, connection: connectionInfo(first) }
  if (pooled.record.misdirected === true) {
    return { ...common, action: 'dial', because: 'misdirected-before', connection: undefined }
  }
  if ('use' in decision) {
    const connection = connectionInfo({ connection: decision.use, coalesced: true, because: decision.because })
    return { ...common, action: 'use', because: decision.because, connection }
  }
  const waits = 'wait' in decision || (originPool?.dials ?? 0) > 0
  if (waits) return { ...common, action: 'wait', because: 'handshake-under-way', connection: undefined }
  return { ...common, action: 'dial', because: decision.because, connection: undefined }
}

function explainConnection(
  connection: Connection,
  pooled: PoolTarget,
  target: Target,
  originPool: OriginPool | undefined,
  { reuse }: ExplainDeps,
): ExplainedCandidate {
  const { route, id } = connection
  const common = { connection: id, origin: route.origin.serialized, addresses: textOf([{ address: route.remoteAddress }]) }
  const member = originPool?.memberOf(connection)
  if (member !== undefined) return { ...common, verdict: 'own', because: member.because }
  if (!reuse.sharable(pooled)) return { ...common, verdict: 'refuse', because: 'unix-socket' }
  if (isForbidden(pooled, connection)) return { ...common, verdict: 'refuse', because: 'address-differs' }
  return { ...common, ...outcome(reuse.verdict(connection, target)) }
}

function explainDial(dial: Dial, target: Target, { policy }: ExplainDeps): ExplainedCandidate {
  const common = { connection: undefined, origin: dial.origin.serialized, addresses: textOf(dial.addresses) }
  if (dial.origin.serialized === target.origin.serialized && dial.reuseKey === target.reuseKey) {
    return { ...common, verdict: 'own', because: 'handshake-under-way' }
  }
  return { ...common, ...outcome(policy.verdict(dial, target)) }
}

function outcome(verdict: Verdict): Pick<ExplainedCandidate, 'verdict' | 'because'> {
  const { because } = verdict
  if ('wait' in verdict) return { verdict: 'wait', because }
  return { verdict: verdict.use ? 'use' : 'refuse', because }
}

function textOf(addresses: readonly { readonly address: string | undefined }[] = []): string[] {
  return addresses.map(({ address }) => address).filter((address) => address !== undefined)
}
