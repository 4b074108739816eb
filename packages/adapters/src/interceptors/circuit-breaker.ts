/** Runs requests through a policy of cockatiel, or of a library like it: a failing origin gets no requests for a while. */

import { type HttpResponse, type Interceptor, parseOrigin } from '@unshard/core'
import { BoundedCache, invalidOption, namesOf, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { checkFunction } from './checks.js'
import { type ExecutingPolicy, GuardedRequest } from './guarded-request.js'

/** Options of `circuitBreaker()`. */
export interface CircuitBreakerOptions {
  /** Whether a response counts as a failure. @default a status of 500 or more */
  readonly isFailure?: (response: HttpResponse) => boolean
}

/** Options of `circuitBreaker()`. */
export const CIRCUIT_BREAKER_OPTIONS: OptionSchema<CircuitBreakerOptions> = {
  isFailure: value('a function', 'a status of 500 or more'),
}

const NAMES = namesOf(CIRCUIT_BREAKER_OPTIONS)
/** Maximum number of origins whose policy is kept. */
const MAX_ORIGINS = 4_096

/**
 * Sends requests through a policy: one for all origins, or the one that a function returns for an origin. Errors and failed responses count
 * as failures; aborts and invalid requests do not. An open circuit rejects with `ERR_CIRCUIT_OPEN`; a failed response is returned.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function circuitBreaker(
  policy: ExecutingPolicy | ((origin: string) => ExecutingPolicy),
  options?: CircuitBreakerOptions,
): Interceptor {
  const given = ownOptions(options, NAMES, '', 'circuitBreaker()')
  const isFailure = checkFunction('isFailure', given.isFailure ?? isServerError)
  if (typeof policy !== 'function') {
    const checked = checkPolicy(policy)
    return (request, next) => new GuardedRequest(request, next, isFailure).run(checked)
  }
  const policies = new BoundedCache<ExecutingPolicy>({ max: MAX_ORIGINS })
  return async (request, next) => {
    const origin = parseOrigin(request.url).serialized
    const own = policies.get(origin) ?? checkPolicy(policy(origin))
    policies.set(origin, own)
    return new GuardedRequest(request, next, isFailure).run(own)
  }
}

function checkPolicy(given: ExecutingPolicy): ExecutingPolicy {
  if (typeof given?.execute === 'function') return given
  throw invalidOption('policy', 'an object with execute(), or a function that returns one for an origin', given)
}

function isServerError({ status }: HttpResponse): boolean {
  return status >= 500
}
