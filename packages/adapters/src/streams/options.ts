/** Options of transfers: those of a request plus their own. */

import { UsageError } from '@unshard/core'
import { ownOptions, REQUEST_MEMBERS, shownValue } from '@unshard/core/internal'

/** Option names of a transfer that creates the request content itself. */
export const WITHOUT_BODY: ReadonlySet<string> = new Set([...REQUEST_MEMBERS].filter((name) => name !== 'body'))

/** Joins the names of a request's options with further names. */
export function andOf(names: ReadonlySet<string>, ...additional: readonly string[]): ReadonlySet<string> {
  return new Set([...names, ...additional])
}

/**
 * Returns the options' own members.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function transferOptions<T extends object>(options: T, names: ReadonlySet<string>, taker: string): T {
  // Missing options are invalid as well: a transfer needs at least a URL.
  return ownOptions(options ?? (null as never), names, '', taker) as T
}

/** Creates the error for a callback that is not a function. */
export function notAFunction(name: string, value: unknown): UsageError {
  return new UsageError('ERR_INVALID_OPTION', `option ${name} takes a function, not ${shownValue(value)}`)
}
