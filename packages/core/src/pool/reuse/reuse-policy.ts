/**
 * The question that coalescing answers: may this connection serve that origin? The pool asks it in two places, before a dial and
 * after one; it never decides by itself. RFC 9113 §9.1.1.
 */

import type { Origin } from '../../message/origin.js'
import type { ReuseReason } from '../../message/reasons.js'
import type { Connection } from '../../transport/connection.js'
import type { Address } from '../../transport/route.js'
import type { Target } from '../../transport/target.js'

/** A connection under way. */
export interface Dial {
  readonly origin: Origin
  readonly reuseKey: string
  /** The addresses tried so far, each with `port`. */
  readonly addresses: readonly Address[]
  readonly port: number
}

/**
 * An answer always carries a named reason: it reaches diagnostics, tests and docs. With `trial` one request goes first, and the others
 * wait until it is answered: a server that disowned the origin a while ago is asked whether it still does.
 */
export type Verdict =
  | { readonly use: true; readonly because: ReuseReason; readonly trial?: boolean }
  | { readonly use: false; readonly because: ReuseReason }
  | { readonly wait: true; readonly because: ReuseReason }

/**
 * Decides whether a connection made for one origin may carry requests to another. What a policy throws is a refusal, `policy-failed`, and
 * a warning of the process.
 */
export interface ReusePolicy {
  /**
   * @param candidate an open connection (it has a `route`), or a dial that may become one (only `wait` or `use: false` make sense).
   * @param target the other origin. Without addresses while nobody has been asked for them: then only connections are candidates whose
   *   Origin Set has the origin.
   */
  verdict(candidate: Connection | Dial, target: Target): Verdict
  /** A server answered 421 for `origin` on this shared connection (RFC 9110 §15.5.20): do not offer it again for a while. */
  misdirected(connection: Connection, origin: Origin): void
  /** A trial request for `origin` got an answer on this shared connection that is no 421. */
  answered?(connection: Connection, origin: Origin): void
  /** Statuses which, on a shared connection, an idempotent request takes for a 421. Default none. */
  readonly suspectStatuses?: ReadonlySet<number>
  /**
   * Groups of hosts that the caller has declared to be one. Behind a proxy no address is known: there, only connections made for a host
   * of the same group are candidates.
   */
  groupsOf?(origin: Origin): readonly string[]
}

/** A clear yes. */
export type Grant = Extract<Verdict, { readonly use: true }>

/** Whether a verdict is one. */
export function isGrant(verdict: Verdict): verdict is Grant {
  return 'use' in verdict && verdict.use
}

/** Whether a candidate is a connection, and not yet a dial. */
export function isConnection(candidate: Connection | Dial): candidate is Connection {
  return 'route' in candidate
}

/** The plain policy: a connection serves the origin it was made for. */
export function sameOrigin(): ReusePolicy {
  return {
    verdict: () => ({ use: false, because: 'coalescing-off' }),
    misdirected: () => undefined,
  }
}
