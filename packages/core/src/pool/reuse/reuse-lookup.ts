/**
 * Asks the policy about what there is: may an open connection carry this target's requests, or is one under way that might? Decides which
 * candidates are asked and which of those allowed is taken; what is allowed is the policy's affair alone.
 */

import type { Diagnostics } from '../../diagnostics.js'
import { socketPathOf } from '../../settings/pool-settings.js'
import type { Connection } from '../../transport/connection.js'
import type { Address } from '../../transport/route.js'
import type { PoolTarget, Target } from '../../transport/target.js'
import { type Candidate, type CandidateIndex, MAX_OFFERED } from './candidate-index.js'
import type { PendingDial } from './pending-dial.js'
import { type Grant, isConnection, isGrant, type ReusePolicy, type Verdict } from './reuse-policy.js'

/** What asking needs. */
export interface ReuseLookupDeps {
  readonly policy: ReusePolicy
  readonly index: CandidateIndex
  readonly diagnostics: Diagnostics
  /** The connection has reached its age limit, and somebody is about to close it. */
  readonly lifetimes: { isPastAge(connection: Connection): boolean }
}

/** A connection to use; a dial to wait for; or why neither. */
export type ReuseDecision =
  | ReuseGrant
  | { readonly wait: readonly PendingDial[]; readonly because: string }
  | { readonly because: string }

/** A connection that may be used. */
export interface ReuseGrant {
  readonly use: Connection
  readonly because: string
  /** One request is to go first. */
  readonly trial: boolean
}

/** Connections that the target has already: it wants more than those. */
export type IsMember = (connection: Connection) => boolean

type Declined = (target: PoolTarget, connection: number | undefined, because: string) => void

const PAST_ITS_AGE: Verdict = { use: false, because: 'past-its-age' }

/** Why a target that has waited dials for itself. */
const TOO_SLOW = 'handshake-too-slow'

/** The questions of one pool. */
export class ReuseLookup {
  readonly #deps: ReuseLookupDeps

  constructor(deps: ReuseLookupDeps) {
    this.#deps = deps
  }

  /** Whether others may ever share with this target: not over a Unix socket, which leads to one server and has no address. */
  sharable(target: PoolTarget): boolean {
    return socketPathOf(target) === undefined
  }

  /** Groups of the caller's that the target's host is in, where those are what counts. */
  hostGroupsOf({ origin, proxy }: PoolTarget): readonly string[] {
    return proxy === undefined ? [] : (this.#deps.policy.groupsOf?.(origin) ?? [])
  }

  /** A connection whose server says that it answers for the origin; asked before its name is resolved, and in silence. */
  askListed(target: PoolTarget, isMember: IsMember): ReuseGrant | undefined {
    // Such a connection may lead anywhere; what is resolved already goes by its address.
    if (!this.sharable(target) || target.pinned !== undefined) return undefined
    let left = MAX_OFFERED
    for (const connection of this.#deps.index.listing(target)) {
      if (left-- === 0) return undefined
      if (isMember(connection)) continue
      const verdict = this.verdict(connection, policyView(target))
      if (isGrant(verdict)) return answer(connection, verdict)
    }
    return undefined
  }

  /** Asks about everything that leads to where the target would be dialed. What is refused is counted. */
  ask(target: PoolTarget, addresses: readonly Address[], isMember: IsMember): ReuseDecision {
    return this.#ask(target, addresses, isMember, ({ origin }, connection, because) =>
      this.#deps.diagnostics.declined({ origin: origin.serialized, connection, because }),
    )
  }

  /** The same without a trace. */
  preview(target: PoolTarget, addresses: readonly Address[]): ReuseDecision {
    const nobody = (): boolean => false
    return this.askListed(target, nobody) ?? this.#ask(target, addresses, nobody, () => undefined)
  }

  /** What the policy says of an open connection, and what only the pool knows: that it is about to be closed. */
  verdict(connection: Connection, target: Target): Verdict {
    return this.#deps.lifetimes.isPastAge(connection) ? PAST_ITS_AGE : this.#deps.policy.verdict(connection, target)
  }

  /** Another connection may have come up while `own` was being made: then that one is to be used, and `own` to be given up. */
  askAgain(target: PoolTarget, addresses: readonly Address[], own: Connection, isMember: IsMember): ReuseGrant | undefined {
    const { remoteAddress, proxy } = own.route
    if (!this.sharable(target) || (remoteAddress === undefined && proxy === undefined)) return undefined
    const there = proxy === undefined ? [{ address: remoteAddress!, family: 4 as const }] : []
    const seen = policyView(target, addresses)
    for (const candidate of this.#candidates(target, policyView(target, there))) {
      if (!isConnection(candidate) || candidate.capacity === 0 || isMember(candidate)) continue
      const verdict = this.verdict(candidate, seen)
      if (isGrant(verdict)) return answer(candidate, verdict)
    }
    return undefined
  }

  #ask(target: PoolTarget, addresses: readonly Address[], isMember: IsMember, declined: Declined): ReuseDecision {
    const { index, policy } = this.#deps
    if (!this.sharable(target)) return { because: 'unix-socket' }
    const seen = policyView(target, addresses)
    const candidates = this.#candidates(target, seen)
    let because = target.proxy === undefined ? index.near(seen) : 'proxied'
    if (candidates.length === 0 && because === 'certificate-does-not-cover-host') declined(target, undefined, because)
    let best: { connection: Connection; verdict: Grant } | undefined
    const wait: PendingDial[] = []
    for (const candidate of candidates) {
      // What it has, and what it is making for itself, is not enough.
      if (isConnection(candidate) ? isMember(candidate) : candidate.origin.serialized === target.origin.serialized) {
        because = 'busy'
        continue
      }
      const verdict = isConnection(candidate) ? this.verdict(candidate, seen) : policy.verdict(candidate, seen)
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

  #candidates(target: PoolTarget, seen: Target): Candidate[] {
    const { index } = this.#deps
    return target.proxy === undefined ? index.find(seen) : index.findInHostGroups(seen, this.hostGroupsOf(target))
  }
}

/** A target as a policy sees it: one small object, of which there may be ten thousand. */
export function policyView({ origin, reuseKey, proxy, dialKey, verify }: PoolTarget, addresses?: readonly Address[]): Target {
  return addresses === undefined
    ? { origin, reuseKey, proxy, dialKey, verify }
    : { origin, reuseKey, proxy, dialKey, verify, addresses }
}

function answer(use: Connection, { because, trial = false }: Grant): ReuseGrant {
  return { use, because, trial }
}

/** The one with room, and of two with room the one with more to do: the other may become idle, and go. */
function isBetter(candidate: Connection, best: Connection | undefined): boolean {
  if (best === undefined || best.capacity === 0) return true
  return candidate.capacity > 0 && candidate.active > best.active
}
