/**
 * A reuse policy that may be the caller's own, kept from doing harm: it is asked from inside the events of connections, where what it throws
 * would end the process or leave a connection with nobody. Whatever is no clear yes is a no.
 */

import type { Origin } from '../../message/origin.js'
import type { Connection } from '../../transport/connection.js'
import type { Target } from '../../transport/target.js'
import { type Dial, isConnection, type ReusePolicy, type Verdict } from './reuse-policy.js'

/** What is said of candidates about which the policy threw, or gave no answer that is one. */
const FAILED: Verdict = { use: false, because: 'policy-failed' }

const NONE: ReadonlySet<number> = new Set()

/** Asks another one. */
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
    // Only what is under way can be waited for.
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

  /** The caller hears of it as of other things that go on all the same; once, for it would come with every request. */
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
