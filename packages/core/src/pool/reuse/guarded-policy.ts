/**
 * Guards the pool against a user-supplied reuse policy. It is called from connection callbacks,
 * where an exception would end the process or leak a connection. Anything other than an explicit
 * grant is treated as a refusal.
 */

import type { Origin } from '../../message/origin.js'
import type { Connection } from '../../transport/connection.js'
import type { Target } from '../../transport/target.js'
import { type Dial, isConnection, type ReusePolicy, type Verdict } from './reuse-policy.js'

/** The verdict if the policy threw or returned an invalid verdict. */
const FAILED: Verdict = { use: false, because: 'policy-failed' }

const NONE: ReadonlySet<number> = new Set()

/** Wraps a policy that may fail. */
export class GuardedPolicy implements Required<ReusePolicy> {
  readonly #policy: ReusePolicy
  #warned = false

  constructor(policy: ReusePolicy) {
    this.#policy = policy
  }

  get suspectStatuses(): ReadonlySet<number> {
    return this.#policy.suspectStatuses ?? NONE
  }

  verdict(candidate: Connection | Dial, target: Target): Verdict {
    const verdict: unknown = this.#attempt(() => this.#policy.verdict(candidate, target))
    if (typeof verdict !== 'object' || verdict === null) return FAILED
    const { use, wait } = verdict as { use?: unknown; wait?: unknown }
    // Only a pending dial can be waited for.
    const clear = typeof use === 'boolean' || (wait === true && !isConnection(candidate))
    return clear ? (verdict as Verdict) : FAILED
  }

  misdirected(connection: Connection, origin: Origin): void {
    this.#attempt(() => this.#policy.misdirected(connection, origin))
  }

  answered(connection: Connection, origin: Origin): void {
    this.#attempt(() => this.#policy.answered?.(connection, origin))
  }

  groupsOf(origin: Origin): readonly string[] {
    return this.#attempt(() => this.#policy.groupsOf?.(origin)) ?? []
  }

  /** Warns once per policy, since a broken policy may fail on every request. */
  #attempt<T>(ask: () => T): T | undefined {
    try {
      return ask()
    } catch (error) {
      if (!this.#warned) process.emitWarning(`the reuse policy failed: ${String(error)}`, { code: 'UNSHARD_REUSE_POLICY' })
      this.#warned = true
      return undefined
    }
  }
}
