/** Sends requests again after a status that means "later" (RFC 9110 §10.2.3, RFC 6585 §4), as the option `retry` does. */

import type { Clock, Interceptor, RetryPolicy } from '@unshard/core'
import {
  namesOf,
  type OptionSchema,
  ownOptions,
  RETRY_OPTIONS,
  resolveRetryPolicy,
  retrying,
  value,
} from '@unshard/core/internal'
import { checkClock } from './checks.js'

/** Options of `retry()`: those of the option `retry` of a request, and a clock. */
export interface RetryOptions extends RetryPolicy {
  /** Time source, for tests. @default the machine's */
  readonly clock?: Clock
}

/** Options of `retry()`. */
export const RETRY_INTERCEPTOR_OPTIONS: OptionSchema<RetryOptions> = {
  ...RETRY_OPTIONS,
  clock: value('a clock', "the machine's"),
}

const NAMES = namesOf(RETRY_INTERCEPTOR_OPTIONS)

/**
 * Sends a request again after 429 and 503, after the time of `retry-after` or a random part of a delay that doubles. Only if its method is
 * idempotent or it has an `idempotency-key` field, and its body can be sent again.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function retry(options?: RetryOptions): Interceptor {
  const { clock: givenClock, ...given } = ownOptions(options, NAMES, '', 'retry()')
  return retrying(resolveRetryPolicy(given)!, checkClock(givenClock))
}
