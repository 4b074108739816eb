/** Sends a slow request a second time, and takes the first response. */

import type { Clock, ClockTimer, HttpResponse, InterceptedRequest, Interceptor, Next } from '@unshard/core'
import { isRepeatable, namesOf, number, numberIn, type OptionSchema, ownOptions, value, watchEnd } from '@unshard/core/internal'
import { checkClock, checkRequired } from './checks.js'
import { abortWith } from './waiting.js'

/** Options of `hedge()`. */
export interface HedgeOptions {
  /** Time without a response after which the request is sent again, in milliseconds. */
  readonly afterMs: number
  /** Maximum number of further attempts, each `afterMs` after the one before. @default 1 */
  readonly maxHedges?: number
  /** Maximum number of further attempts, in percent of the requests. @default 10 */
  readonly budgetPercent?: number
  /** Time source, for tests. @default the machine's */
  readonly clock?: Clock
}

/** Options of `hedge()`. */
export const HEDGE_OPTIONS: OptionSchema<HedgeOptions> = {
  afterMs: value('1 to 2,147,483,647 ms', 'required'),
  maxHedges: number(1, 1, 10, 'attempts'),
  budgetPercent: number(10, 1, 100),
  clock: value('a clock', "the machine's"),
}

const NAMES = namesOf(HEDGE_OPTIONS)
/** Maximum of a timer, in milliseconds. */
const MAX_MS = 0x7fff_ffff
/** Further attempts that may be saved up. */
const MAX_SAVED = 10

interface Policy {
  readonly afterMs: number
  readonly maxHedges: number
  readonly clock: Clock
  readonly budget: Budget
}

/**
 * Sends a request again if no response has begun after `afterMs`; the first response wins, and the other attempts are aborted. Only if its
 * method is idempotent or it has an `idempotency-key` field, and its body can be sent again.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function hedge(options: HedgeOptions): Interceptor {
  const given = ownOptions(options, NAMES, '', 'hedge()')
  const policy: Policy = {
    afterMs: checkRequired('afterMs', given.afterMs, 1, MAX_MS),
    maxHedges: numberIn(HEDGE_OPTIONS, given, 'maxHedges'),
    clock: checkClock(given.clock),
    budget: new Budget(numberIn(HEDGE_OPTIONS, given, 'budgetPercent')),
  }
  return (request, next) => (isRepeatable(request) ? new Attempts(request, next, policy).run() : next(request))
}

/** Further attempts that the requests so far have paid for. */
class Budget {
  readonly #percent: number
  #saved = 0

  constructor(percent: number) {
    this.#percent = percent
  }

  earn(): void {
    this.#saved = Math.min(this.#saved + this.#percent, MAX_SAVED * 100)
  }

  spend(): boolean {
    if (this.#saved < 100) return false
    this.#saved -= 100
    return true
  }
}

/** The attempts of one request. */
class Attempts {
  readonly #request: InterceptedRequest
  readonly #next: Next
  readonly #policy: Policy
  /** Those without a result. */
  readonly #pending = new Set<AbortController>()
  #hedges = 0
  #timer: ClockTimer | undefined
  #unwatch: (() => void) | undefined
  #isOver = false

  constructor(request: InterceptedRequest, next: Next, policy: Policy) {
    this.#request = request
    this.#next = next
    this.#policy = policy
  }

  run(): Promise<HttpResponse> {
    this.#policy.budget.earn()
    return new Promise((resolve, reject) => {
      const fail = (reason: unknown): void => {
        this.#end(reason)
        reject(reason)
      }
      this.#unwatch = watchEnd(this.#request, { abort: fail })
      this.#send(resolve, fail)
    })
  }

  #send(resolve: (response: HttpResponse) => void, fail: (reason: unknown) => void): void {
    if (this.#isOver) return
    const controller = new AbortController()
    this.#pending.add(controller)
    this.#next(this.#request.with({ signal: controller.signal })).then(
      (response) => {
        this.#pending.delete(controller)
        if (this.#isOver) return response.discard()
        this.#end(new DOMException('another attempt has a response', 'AbortError'))
        abortWith(this.#request, response, controller)
        resolve(response)
      },
      (error: unknown) => {
        this.#pending.delete(controller)
        // Another attempt may succeed.
        if (!this.#isOver && this.#pending.size === 0) fail(error)
      },
    )
    if (this.#hedges >= this.#policy.maxHedges) return
    this.#timer = this.#policy.clock.startTimer(this.#policy.afterMs, () => {
      if (!this.#policy.budget.spend()) return
      this.#hedges++
      this.#send(resolve, fail)
    })
  }

  /** Aborts the attempts without a result. */
  #end(reason: unknown): void {
    this.#isOver = true
    this.#timer?.cancel()
    this.#unwatch?.()
    for (const controller of this.#pending) controller.abort(reason)
  }
}
