/**
 * Asks the policy about open connections and pending dials that may serve a target. Selects the
 * candidates to ask about, and one of those granted; granting is up to the policy alone.
 */

import { isForbidden } from '../../connect/address-guard.js'
import type { Diagnostics } from '../../diagnostics/diagnostics.js'
import { canonicalAddress } from '../../message/addresses.js'
import { socketPathOf } from '../../settings/pool-settings.js'
import type { Connection } from '../../transport/connection.js'
import type { Address } from '../../transport/route.js'
import type { PoolTarget, Target } from '../../transport/target.js'
import { type Candidate, type CandidateIndex, MAX_OFFERED } from './candidate-index.js'
import type { PendingDial } from './pending-dial.js'
import { type Grant, isConnection, isGrant, type ReusePolicy, type Verdict } from './reuse-policy.js'

/** Collaborators of the lookup. */
export interface ReuseLookupDeps {
  readonly policy: ReusePolicy
  readonly index: CandidateIndex
  readonly diagnostics: Diagnostics
  /** Whether the connection has reached its maximum age and is about to be closed. */
  readonly lifetimes: { isPastAge(connection: Connection): boolean }
}

/** A connection to use, a dial to wait for, or the reason for neither. */
export type ReuseDecision =
  | ReuseGrant
  | { readonly wait: readonly PendingDial[]; readonly because: string }
  | { readonly because: string }

/** A connection that the policy allows. */
export interface ReuseGrant {
  readonly use: Connection
  readonly because: string
  /** Whether one request must go first. */
  readonly trial: boolean
}

/** Whether the target already has the connection: it needs one in addition to those. */
export type IsMember = (connection: Connection) => boolean

type Declined = (target: PoolTarget, connection: number | undefined, because: string) => void

const PAST_ITS_AGE: Verdict = { use: false, because: 'past-its-age' }

/** The reason for a dial after a wait that was too long. */
const TOO_SLOW = 'handshake-too-slow'

/** The lookups of one pool. */
export class ReuseLookup {
  readonly #deps: ReuseLookupDeps

  constructor(deps: ReuseLookupDeps) {
    this.#deps = deps
  }

  /** Whether the target may share at all. A Unix socket leads to one server and has no address. */
  sharable(target: PoolTarget): boolean {
    return socketPathOf(target) === undefined
  }

  /** Host groups of the target's host; empty without a proxy, where addresses count instead. */
  hostGroupsOf({ origin, proxy }: PoolTarget): readonly string[] {
    return proxy === undefined ? [] : (this.#deps.policy.groupsOf?.(origin) ?? [])
  }

  /**
   * Returns a connection whose Origin Set contains the origin. Asked before DNS; refusals are not
   * counted.
   */
  askListed(target: PoolTarget, isMember: IsMember): ReuseGrant | undefined {
    // Such a connection may lead to any address; a pinned target is bound to its own.
    if (!this.sharable(target) || target.pinned !== undefined) return undefined
    let left = MAX_OFFERED
    for (const connection of this.#deps.index.listing(target)) {
      if (left-- === 0) return undefined
      if (isMember(connection) || isForbidden(target, connection)) continue
      const verdict = this.verdict(connection, policyView(target))
      if (isGrant(verdict)) return answer(connection, verdict)
    }
    return undefined
  }

  /** Keys under which a target finds a connection: as listed in its Origin Set, by an address, or by a host group. */
  keysOf(target: PoolTarget, addresses: readonly Address[]): readonly string[] {
    if (!this.sharable(target)) return []
    const { origin, reuseKey } = target
    const groups = this.hostGroupsOf(target)
    return keys(
      origin.port,
      reuseKey,
      [origin.serialized],
      addresses.map(({ address }) => address),
      groups,
    )
  }

  /** Keys under which a connection is found by targets. The policy decides. */
  keysOfConnection({ route, originSet }: Connection, hostGroups: readonly string[]): readonly string[] {
    const { origin, reuseKey, remoteAddress } = route
    return keys(origin.port, reuseKey, originSet ?? [], remoteAddress === undefined ? [] : [remoteAddress], hostGroups)
  }

  /** Asks about every candidate at the addresses the target would be dialed at. Counts refusals. */
  ask(target: PoolTarget, addresses: readonly Address[], isMember: IsMember): ReuseDecision {
    return this.#ask(target, addresses, isMember, ({ origin }, connection, because) =>
      this.#deps.diagnostics.declined({ origin: origin.serialized, connection, because }),
    )
  }

  /** Returns the same decision without counting anything. */
  preview(target: PoolTarget, addresses: readonly Address[]): ReuseDecision {
    const noMember = (): boolean => false
    return this.askListed(target, noMember) ?? this.#ask(target, addresses, noMember, () => undefined)
  }

  /**
   * The policy's verdict, unless the connection is past its maximum age, which only the pool knows.
   */
  verdict(connection: Connection, target: Target): Verdict {
    return this.#deps.lifetimes.isPastAge(connection) ? PAST_ITS_AGE : this.#deps.policy.verdict(connection, target)
  }

  /**
   * Asks again after a dial: if a shareable connection came up in the meantime, it is used instead
   * of `own`.
   */
  askAgain(target: PoolTarget, addresses: readonly Address[], own: Connection, isMember: IsMember): ReuseGrant | undefined {
    const { remoteAddress, proxy } = own.route
    if (!this.sharable(target) || (remoteAddress === undefined && proxy === undefined)) return undefined
    const address = proxy === undefined ? [{ address: remoteAddress!, family: 4 as const }] : []
    const view = policyView(target, addresses)
    for (const candidate of this.#candidates(target, policyView(target, address))) {
      if (!isConnection(candidate) || candidate.capacity === 0 || isMember(candidate) || isForbidden(target, candidate)) continue
      const verdict = this.verdict(candidate, view)
      if (isGrant(verdict)) return answer(candidate, verdict)
    }
    return undefined
  }

  #ask(target: PoolTarget, addresses: readonly Address[], isMember: IsMember, declined: Declined): ReuseDecision {
    const { index, policy } = this.#deps
    if (!this.sharable(target)) return { because: 'unix-socket' }
    const view = policyView(target, addresses)
    const candidates = this.#candidates(target, view)
    let because = target.proxy === undefined ? index.near(view) : 'proxied'
    if (candidates.length === 0 && because === 'certificate-does-not-cover-host') declined(target, undefined, because)
    let best: { connection: Connection; verdict: Grant } | undefined
    const wait: PendingDial[] = []
    for (const candidate of candidates) {
      if (isConnection(candidate) && isForbidden(target, candidate)) continue
      // The target needs more than its own connections and dials.
      if (isConnection(candidate) ? isMember(candidate) : candidate.origin.serialized === target.origin.serialized) {
        because = 'busy'
        continue
      }
      const verdict = isConnection(candidate) ? this.verdict(candidate, view) : policy.verdict(candidate, view)
      if ('wait' in verdict) {
        wait.push(candidate as PendingDial)
        continue
      }
      because = verdict.because
      if (!verdict.use) declined(target, isConnection(candidate) ? candidate.id : undefined, because)
      else if (isConnection(candidate) && isBetter(candidate, best?.connection)) best = { connection: candidate, verdict }
    }
    if (best !== undefined) return answer(best.connection, best.verdict)
    return wait.length === 0 ? { because } : { wait, because: TOO_SLOW }
  }

  #candidates(target: PoolTarget, view: Target): Candidate[] {
    const { index } = this.#deps
    return target.proxy === undefined ? index.find(view) : index.findInHostGroups(view, this.hostGroupsOf(target))
  }
}

/** The part of a target that a policy sees. Small, because there may be ten thousand. */
export function policyView({ origin, reuseKey, proxy, dialKey, verify }: PoolTarget, addresses?: readonly Address[]): Target {
  return addresses === undefined
    ? { origin, reuseKey, proxy, dialKey, verify }
    : { origin, reuseKey, proxy, dialKey, verify, addresses }
}

function answer(use: Connection, { because, trial = false }: Grant): ReuseGrant {
  return { use, because, trial }
}

/**
 * Prefers a connection with capacity, then the busier one, so that the other can become idle and
 * close.
 */
function isBetter(candidate: Connection, best: Connection | undefined): boolean {
  if (best === undefined || best.capacity === 0) return true
  return candidate.capacity > 0 && candidate.active > best.active
}

function keys(
  port: number,
  reuseKey: string,
  origins: Iterable<string>,
  addresses: readonly string[],
  groups: readonly string[],
): readonly string[] {
  return [
    ...[...origins].map((origin) => `origin ${origin} ${reuseKey}`),
    ...addresses.map((address) => `address ${canonicalAddress(address)} ${port} ${reuseKey}`),
    ...groups.map((group) => `group ${group} ${port} ${reuseKey}`),
  ]
}
