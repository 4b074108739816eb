/** Retries by a service config of gRPC (gRFC A6). */

import { UsageError } from '@unshard/core'
import { shownValue } from '@unshard/core/internal'
import { type Outcome, statusCode } from '../status.js'

/** A retry policy, as in a service config. Durations are such as `0.5s`. */
export interface RetryPolicyConfig {
  readonly maxAttempts: number
  readonly initialBackoff: string
  readonly maxBackoff: string
  readonly backoffMultiplier: number
  readonly retryableStatusCodes: readonly (string | number)[]
}

/** The parts of a service config that a client uses. */
export interface ServiceConfig {
  readonly methodConfig?: readonly {
    /** Names of methods; an entry without `method` is the whole service, and an empty one every service. */
    readonly name: readonly { readonly service?: string; readonly method?: string }[]
    /** Default deadline of calls, such as `10s`. */
    readonly timeout?: string
    readonly retryPolicy?: RetryPolicyConfig
  }[]
  readonly retryThrottling?: { readonly maxTokens: number; readonly tokenRatio: number }
}

/** The part of a service config that applies to one method. */
export interface MethodConfig {
  readonly timeoutMs: number | undefined
  readonly retry: RetryPolicy | undefined
}

/** A checked policy. */
export interface RetryPolicy {
  readonly maxAttempts: number
  readonly initialMs: number
  readonly mostMs: number
  readonly multiplier: number
  readonly codes: ReadonlySet<number>
}

/** The attempts of a call that have failed. */
export interface FailedAttempts {
  readonly failed: number
  /** Number of the next pause, since the server has last set one. */
  readonly pauses: number
  /** Whether a response has begun. */
  readonly isCommitted: boolean
}

/** The time before the next attempt. */
export interface Pause {
  readonly ms: number
  /** Whether the server has set it. */
  readonly isOfServer: boolean
}

/** The most attempts that gRFC A6 allows. */
const MOST_ATTEMPTS = 5
const MOST_PUSHBACK_MS = 0x7fff_ffff
const NOTHING: MethodConfig = { timeoutMs: undefined, retry: undefined }

/** A service config by method, with the budget of its retries. */
export class ServiceConfigs {
  readonly #configs = new Map<string, MethodConfig>()
  readonly #budget: RetryBudget | undefined

  /** @throws UsageError `ERR_INVALID_OPTION` if a value is not valid. */
  constructor(config: ServiceConfig | undefined) {
    for (const { name, timeout, retryPolicy } of config?.methodConfig ?? []) {
      const timeoutMs = timeout === undefined ? undefined : durationMs(timeout, 'timeout')
      const made = { timeoutMs, retry: retryPolicy === undefined ? undefined : policyOf(retryPolicy) }
      for (const { service = '', method = '' } of name) this.#configs.set(`${service}/${method}`, made)
    }
    const { retryThrottling } = config ?? {}
    if (retryThrottling !== undefined) this.#budget = new RetryBudget(retryThrottling.maxTokens, retryThrottling.tokenRatio)
  }

  /** The config of a method: its own, that of its service, or that of all. */
  of(service: string, method: string): MethodConfig {
    if (this.#configs.size === 0) return NOTHING
    return this.#configs.get(`${service}/${method}`) ?? this.#configs.get(`${service}/`) ?? this.#configs.get('/') ?? NOTHING
  }

  /** Counts a failed attempt, and returns the pause before the next one; `undefined` if the call has failed for good. */
  pauseAfter(policy: RetryPolicy, outcome: Outcome, { failed, pauses, isCommitted }: FailedAttempts): Pause | undefined {
    const isRetryable = policy.codes.has(outcome.code)
    const wanted = pushbackOf(outcome)
    // A value that is not a number of milliseconds means: do not retry.
    const pushback = wanted === undefined ? undefined : pushbackMs(wanted)
    const isForbidden = wanted !== undefined && pushback === undefined
    if (isRetryable || isForbidden) this.#budget?.failed()
    if (!isRetryable || isForbidden || isCommitted || failed >= policy.maxAttempts || this.#budget?.isSpent === true)
      return undefined
    if (pushback !== undefined) return { ms: pushback, isOfServer: true }
    const mostMs = Math.min(policy.initialMs * policy.multiplier ** (pauses - 1), policy.mostMs)
    return { ms: Math.random() * mostMs, isOfServer: false }
  }

  /** Counts a call that has succeeded. */
  succeeded(): void {
    this.#budget?.succeeded()
  }
}

/** `grpc-retry-pushback-ms` of the server. */
function pushbackOf({ trailers }: Outcome): string | undefined {
  for (let i = 0; i < trailers.length; i += 2) if (trailers[i] === 'grpc-retry-pushback-ms') return trailers[i + 1]
  return undefined
}

/** gRFC A6, "Pushback": a signed integer of 32 bits without leading zeros; a negative one means no retry. */
function pushbackMs(text: string): number | undefined {
  const ms = /^(?:0|[1-9]\d{0,9})$/.test(text) ? Number(text) : undefined
  return ms !== undefined && ms <= MOST_PUSHBACK_MS ? ms : undefined
}

/** gRFC A6, "Throttling Retry Attempts": no retries once half of the tokens are spent. */
class RetryBudget {
  readonly #most: number
  readonly #ratio: number
  #tokens: number

  constructor(most: number, ratio: number) {
    if (!(most > 0 && most <= 1_000)) throw invalid('retryThrottling.maxTokens', 'above 0, at most 1000', most)
    if (!(ratio > 0)) throw invalid('retryThrottling.tokenRatio', 'above 0', ratio)
    this.#most = most
    this.#ratio = ratio
    this.#tokens = most
  }

  get isSpent(): boolean {
    return this.#tokens <= this.#most / 2
  }

  failed(): void {
    this.#tokens = Math.max(0, this.#tokens - 1)
  }

  succeeded(): void {
    this.#tokens = Math.min(this.#most, this.#tokens + this.#ratio)
  }
}

function policyOf(config: RetryPolicyConfig): RetryPolicy {
  const { maxAttempts, initialBackoff, maxBackoff, backoffMultiplier, retryableStatusCodes } = config
  if (!Number.isInteger(maxAttempts) || maxAttempts < 2)
    throw invalid('retryPolicy.maxAttempts', 'a whole number from 2', maxAttempts)
  if (!(backoffMultiplier > 0)) throw invalid('retryPolicy.backoffMultiplier', 'above 0', backoffMultiplier)
  const codes = new Set<number>()
  for (const each of retryableStatusCodes) {
    const code = statusCode(each)
    if (code === undefined || code === 0) throw invalid('retryPolicy.retryableStatusCodes', 'names or numbers of statuses', each)
    codes.add(code)
  }
  if (codes.size === 0) throw invalid('retryPolicy.retryableStatusCodes', 'a list with at least one status', retryableStatusCodes)
  return {
    maxAttempts: Math.min(maxAttempts, MOST_ATTEMPTS),
    initialMs: durationMs(initialBackoff, 'retryPolicy.initialBackoff'),
    mostMs: durationMs(maxBackoff, 'retryPolicy.maxBackoff'),
    multiplier: backoffMultiplier,
    codes,
  }
}

/** A duration of protobuf's JSON, such as `1.5s`. */
function durationMs(text: unknown, name: string): number {
  const match = typeof text === 'string' ? /^(\d{1,9})(\.\d{1,9})?s$/.exec(text) : null
  const ms = match === null ? 0 : Number(`${match[1]}${match[2] ?? ''}`) * 1000
  if (ms <= 0) throw invalid(name, 'a duration such as 0.5s', text)
  return ms
}

function invalid(name: string, wanted: string, value: unknown): UsageError {
  return new UsageError('ERR_INVALID_OPTION', `option serviceConfig: ${name} must be ${wanted}, not ${shownValue(value)}`)
}
