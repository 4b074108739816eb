/** The retries of one call by the policy of its method (gRFC A6). */

import { type Outcome, outcomeOfError } from '../status.js'
import type { Call } from './call-context.js'
import type { RetryPolicy, ServiceConfigs } from './retry-policy.js'

/** Tells a server, and the caller, how many attempts came before this one. */
const PREVIOUS_ATTEMPTS = 'grpc-previous-rpc-attempts'

/** Decides after each attempt whether there is another. */
export class CallRetries {
  readonly #configs: ServiceConfigs
  readonly #policy: RetryPolicy
  readonly #call: Call
  /** Attempts that have failed. */
  #failed = 0
  /** Pauses since the server has last set one. */
  #pauses = 0
  #endPause: (() => void) | undefined

  constructor(configs: ServiceConfigs, policy: RetryPolicy, call: Call) {
    this.#configs = configs
    this.#policy = policy
    this.#call = call
  }

  /** The attempts before the next one. */
  get previous(): number {
    return this.#failed
  }

  /**
   * Waits before another attempt.
   * @param isCommitted whether the fields of a response have arrived: they may have reached the caller.
   * @returns `undefined` if there is another attempt, else the outcome of the call.
   */
  async next(outcome: Outcome, isCommitted: boolean): Promise<Outcome | undefined> {
    const { signal, deadlineAt } = this.#call
    const isAborted = (): boolean => signal?.aborted === true
    const pause = this.#configs.pauseAfter(this.#policy, outcome, { failed: ++this.#failed, pauses: ++this.#pauses, isCommitted })
    if (pause === undefined || isAborted()) return outcome
    if (deadlineAt !== undefined && Date.now() + pause.ms >= deadlineAt) return outcome
    // gRFC A6, "Pushback": after it the backoff begins again.
    if (pause.isOfServer) this.#pauses = 0
    await this.#wait(pause.ms, signal)
    return isAborted() ? outcomeOfError(signal!.reason) : undefined
  }

  /** Returns the fields of a response with the number of attempts before it. */
  withPrevious(fields: readonly string[]): readonly string[] {
    return this.#failed === 0 ? fields : [...fields, PREVIOUS_ATTEMPTS, String(this.#failed)]
  }

  /** Ends the pause: the caller wants no other attempt. */
  stop(): void {
    this.#endPause?.()
  }

  /** Resolves after this time, or once the caller aborts. */
  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal?.addEventListener('abort', end, { once: true })
      this.#endPause = end
    })
  }
}
