/**
 * Retries requested by the caller after a status such as 429 or 503 (RFC 9110 §10.2.3, RFC 6585
 * §4). Off by default.
 */

import { fieldValue } from '../message/field-lines.js'
import { RETRY_OPTIONS, type RetryPolicy } from '../message/request-options.js'
import { systemClock } from '../runtime/clock.js'
import { invalidOption, ownOptions } from '../schema/option-checks.js'
import { namesOf, numberIn } from '../schema/schema.js'

/** A retry policy with defaults filled in. */
export type ResolvedRetryPolicy = Required<RetryPolicy>

const NAMES = namesOf(RETRY_OPTIONS)
const DEFAULT_STATUSES: readonly number[] = [429, 503]
const DEFAULTS: ResolvedRetryPolicy = resolve({ __proto__: null } as RetryPolicy)

/** Fills in defaults. `true` means all defaults, `false` turns retries off. @throws UsageError */
export function resolveRetryPolicy(given: RetryPolicy | boolean | undefined): ResolvedRetryPolicy | undefined {
  if (given === undefined || given === false) return undefined
  if (given === true) return DEFAULTS
  return resolve(ownOptions(given, NAMES, 'retry.'))
}

function resolve(policy: RetryPolicy): ResolvedRetryPolicy {
  const statuses = policy.statuses ?? DEFAULT_STATUSES
  if (!Array.isArray(statuses) || statuses.some((status) => !Number.isInteger(status) || status < 200 || status > 999)) {
    throw invalidOption('retry.statuses', 'a list of statuses from 200 to 999', statuses)
  }
  return {
    attempts: numberIn(RETRY_OPTIONS, policy, 'attempts', 'retry.'),
    statuses,
    baseDelayMs: numberIn(RETRY_OPTIONS, policy, 'baseDelayMs', 'retry.'),
    maxDelayMs: numberIn(RETRY_OPTIONS, policy, 'maxDelayMs', 'retry.'),
  }
}

/**
 * Delay before the retry, in milliseconds; `undefined` if the response is final.
 * @param attempts number of attempts so far.
 * @param wallNow wall-clock time, in milliseconds, for a date in `retry-after`.
 */
export function retryDelayMs(
  policy: ResolvedRetryPolicy,
  status: number,
  fields: readonly string[],
  attempts: number,
  wallNow: number = systemClock.wallNow(),
): number | undefined {
  if (!policy.statuses.includes(status) || attempts >= policy.attempts) return undefined
  const asked = retryAfterMs(fieldValue(fields, 'retry-after'), wallNow)
  if (asked !== undefined) return asked <= policy.maxDelayMs ? asked : undefined
  return Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempts - 1)) * Math.random()
}

/** `Date.parse` accepts too much: "-1", "1.5" and "in 5" become past days of the year 2001. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,? .+ (?:GMT|\d{4})$/

/** Maximum length of a date, in characters. */
const MAX_DATE_LENGTH = 64

/**
 * Parses seconds, or a date, which is GMT even if it does not say so (RFC 9110 §10.2.3, §5.6.7).
 */
export function retryAfterMs(value: string | undefined, wallNow: number = systemClock.wallNow()): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1_000
  if (value.length > MAX_DATE_LENGTH || !HTTP_DATE.test(value)) return undefined
  const date = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`)
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallNow)
}
