/** Limits the rate of requests to each origin: a token bucket, and the pauses that its server asks for. */

import { type Clock, type ClockTimer, type InterceptedRequest, type Interceptor, parseOrigin } from '@unshard/core'
import {
  BoundedCache,
  flagRow,
  invalidOption,
  namesOf,
  number,
  numberIn,
  type OptionSchema,
  ownOptions,
  value,
  watchEnd,
} from '@unshard/core/internal'
import { checkClock, checkRequired } from './checks.js'
import { pauseMs } from './server-pause.js'

/** Options of `rateLimit()`. */
export interface RateLimitOptions {
  /** Requests to one origin in each `perMs`. */
  readonly requests: number
  /** Time in which `requests` are sent, in milliseconds. */
  readonly perMs: number
  /** Requests that are sent at once after a pause. 0 means as many as `requests`. @default 0 */
  readonly burst?: number
  /** Whether the fields `retry-after` of 429 and 503, and `ratelimit`, pause an origin. @default true */
  readonly obeyServer?: boolean
  /** Time source, for tests. @default the machine's */
  readonly clock?: Clock
}

/** Options of `rateLimit()`. */
export const RATE_LIMIT_OPTIONS: OptionSchema<RateLimitOptions> = {
  requests: value('1 to 1,000,000', 'required'),
  perMs: value('1 to 2,147,483,647 ms', 'required'),
  burst: number(0, 0, 1_000_000, 'requests'),
  obeyServer: flagRow(true),
  clock: value('a clock', "the machine's"),
}

const NAMES = namesOf(RATE_LIMIT_OPTIONS)
const MAX_REQUESTS = 1_000_000
/** Maximum of a timer, in milliseconds. */
const MAX_MS = 0x7fff_ffff
/** Maximum number of origins whose state is kept. */
const MAX_ORIGINS = 4_096

/**
 * Sends at most `requests` in `perMs` to each origin; further ones wait in order, until they are sent, aborted or over their deadline.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function rateLimit(options: RateLimitOptions): Interceptor {
  const given = ownOptions(options, NAMES, '', 'rateLimit()')
  const requests = checkRequired('requests', given.requests, 1, MAX_REQUESTS)
  const perMs = checkRequired('perMs', given.perMs, 1, MAX_MS)
  const burst = numberIn(RATE_LIMIT_OPTIONS, given, 'burst') || requests
  const clock = checkClock(given.clock)
  const { obeyServer = true } = given
  if (typeof obeyServer !== 'boolean') throw invalidOption('obeyServer', 'true or false', obeyServer)
  const limits = new BoundedCache<OriginLimit>({ max: MAX_ORIGINS })
  return async (request, next) => {
    const origin = parseOrigin(request.url).serialized
    const limit = limits.get(origin) ?? new OriginLimit(burst, requests / perMs, clock)
    limits.set(origin, limit)
    await limit.take(request)
    const response = await next(request)
    if (obeyServer) limit.pauseFor(pauseMs(response, clock))
    return response
  }
}

/** The tokens of one origin, and the requests that wait for them. */
class OriginLimit {
  readonly #burst: number
  readonly #perMs: number
  readonly #clock: Clock
  #tokens: number
  #refilledAt: number
  #pausedUntil: number
  /** In the order of arrival; each sends its request. */
  readonly #waiting = new Set<() => void>()
  #timer: ClockTimer | undefined

  constructor(burst: number, perMs: number, clock: Clock) {
    this.#burst = burst
    this.#perMs = perMs
    this.#clock = clock
    this.#tokens = burst
    this.#refilledAt = clock.now()
    this.#pausedUntil = this.#refilledAt
  }

  /** Resolves when the request may be sent; rejects when it ends before. */
  take(request: InterceptedRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const send = (): void => {
        unwatch()
        resolve()
      }
      const unwatch = watchEnd(request, {
        abort: (reason) => {
          this.#waiting.delete(send)
          this.#serve()
          reject(reason)
        },
      })
      this.#waiting.add(send)
      this.#serve()
    })
  }

  pauseFor(ms: number): void {
    if (ms > 0) this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + ms)
  }

  /** Sends what may be sent, and waits for the next token if a request is left. */
  #serve(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const now = this.#clock.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#refilledAt) * this.#perMs)
    this.#refilledAt = now
    for (const send of this.#waiting) {
      // A sum of parts may be slightly below the whole.
      const tokenMs = this.#tokens > 1 - 1e-6 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs)
      const waitMs = Math.max(tokenMs, this.#pausedUntil - now)
      if (waitMs > 0) {
        this.#timer = this.#clock.startTimer(Math.min(waitMs, MAX_MS), () => this.#serve())
        return
      }
      this.#tokens--
      this.#waiting.delete(send)
      send()
    }
  }
}
