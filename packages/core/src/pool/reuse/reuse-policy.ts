/**
 * The question that coalescing answers: may this connection serve that origin? The pool asks it
 * before a dial and again after it, and never decides by itself. RFC 9113 §9.1.1.
 */

import type { Origin } from '../../message/origin.js'
import type { ReuseReason } from '../../message/reasons.js'
import type { Connection } from '../../transport/connection.js'
import type { Address } from '../../transport/route.js'
import type { Target } from '../../transport/target.js'

/** A pending dial. */
export interface Dial {
  readonly origin: Origin
  readonly reuseKey: string
  /** The addresses tried so far, each on port `port`. */
  readonly addresses: readonly Address[]
  readonly port: number
}

/**
 * A decision with its named reason, which appears in diagnostics, tests and docs. With `trial`, one
 * request goes first and the others wait for its response: the server answered 421 a while ago, and
 * may have changed.
 */
export type Verdict =
  | { readonly use: true; readonly because: ReuseReason; readonly trial?: boolean }
  | { readonly use: false; readonly because: ReuseReason }
  | { readonly wait: true; readonly because: ReuseReason }

/**
 * Decides whether a connection made for one origin may carry requests to another. If a policy
 * throws, the verdict is the refusal `policy-failed`, and the process emits a warning.
 */
export interface ReusePolicy {
  /**
   * @param candidate an open connection (it has a `route`), or a pending dial (for which only
   *   `wait` or `use: false` make sense).
   * @param target the other origin. It has no addresses before DNS; then candidates are only
   *   connections whose Origin Set contains the origin.
   */
  verdict(candidate: Connection | Dial, target: Target): Verdict
  /**
   * Called when the server answered 421 for `origin` on this shared connection (RFC 9110 §15.5.20):
   * refuse it for a while.
   */
  misdirected(connection: Connection, origin: Origin): void
  /**
   * Called when a trial request for `origin` got a response other than 421 on this shared
   * connection.
   */
  answered?(connection: Connection, origin: Origin): void
  /**
   * Statuses that count as a 421 for an idempotent request on a shared connection. Default: none.
   */
  readonly suspectStatuses?: ReadonlySet<number>
  /**
   * The host groups of an origin, as declared by the caller. Behind a proxy no addresses are known;
   * then candidates are only connections made for a host of the same group.
   */
  groupsOf?(origin: Origin): readonly string[]
}

/** A verdict that allows reuse. */
export type Grant = Extract<Verdict, { readonly use: true }>

/** Whether a verdict allows reuse. */
export function isGrant(verdict: Verdict): verdict is Grant {
  return 'use' in verdict && verdict.use
}

/** Whether a candidate is an open connection rather than a dial. */
export function isConnection(candidate: Connection | Dial): candidate is Connection {
  return 'route' in candidate
}

/** The policy without coalescing: a connection serves only the origin it was made for. */
export function sameOrigin(): ReusePolicy {
  return {
    verdict: () => ({ use: false, because: 'coalescing-off' }),
    misdirected: () => undefined,
  }
}
