/** Checks of options that several interceptors have. */

import { type Clock, type HttpResponse, parseOrigin, systemClock, UsageError } from '@unshard/core'
import { invalidOption, isIterable } from '@unshard/core/internal'

/** @throws UsageError `ERR_INVALID_OPTION`. */
export function checkFunction<Given>(name: string, given: Given): NonNullable<Given> {
  if (typeof given === 'function') return given as NonNullable<Given>
  throw invalidOption(name, 'a function', given)
}

/** Returns the clock, or that of the machine. @throws UsageError `ERR_INVALID_OPTION`. */
export function checkClock(given: Clock | undefined): Clock {
  if (given === undefined) return systemClock
  if (typeof given?.startTimer === 'function' && typeof given.now === 'function') return given
  throw invalidOption('clock', 'a clock', given)
}

/**
 * Returns origins in their serialized form.
 * @throws UsageError `ERR_INVALID_OPTION` without an origin, `ERR_INVALID_URL`.
 */
export function checkOrigins(given: Iterable<string | URL> | undefined): ReadonlySet<string> {
  const isList = typeof given === 'object' && given !== null && isIterable(given)
  const list = isList ? [...given] : []
  if (list.length === 0) throw invalidOption('origins', 'a list of at least one origin', given)
  return new Set(list.map((each) => parseOrigin(each).serialized))
}

/**
 * Checks text that may be secret, so that an error does not show it.
 * @param taken which characters are valid.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
export function checkSecret(name: string, given: string | undefined, wanted: string, taken: RegExp): string {
  if (typeof given === 'string' && taken.test(given)) return given
  throw new UsageError('ERR_INVALID_OPTION', `option ${name} takes ${wanted}`)
}

/** Checks a whole number that has no default. @throws UsageError `ERR_INVALID_OPTION`. */
export function checkRequired(name: string, given: number | undefined, least: number, most: number): number {
  if (Number.isInteger(given) && given! >= least && given! <= most) return given!
  throw invalidOption(name, `a whole number from ${least} to ${most}`, given)
}

/** Calls a function of the caller about a response. If it throws, the response is discarded: it has no reader then. */
export function judge(decide: (response: HttpResponse) => boolean, response: HttpResponse): boolean {
  try {
    return decide(response)
  } catch (error) {
    response.discard(error)
    throw error
  }
}
