/** Options of transfers: those of a request, and some of their own. */

import { UsageError } from '@unshard/core'
import { ownOptions, REQUEST_MEMBERS, shownValue } from '@unshard/core/internal'

/** Names of the options of a transfer that makes the content of its request itself. */
export const WITHOUT_BODY: ReadonlySet<string> = new Set([...REQUEST_MEMBERS].filter((name) => name !== 'body'))

/** Names of a request's options and of others. */
export function andOf(names: ReadonlySet<string>, ...more: readonly string[]): ReadonlySet<string> {
  return new Set([...names, ...more])
}

/**
 * The options' own members.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function transferOptions<T extends object>(options: T, names: ReadonlySet<string>, taker: string): T {
  // Left out, it is not valid either: a transfer has a URL at least.
  return ownOptions(options ?? (null as never), names, '', taker) as T
}

/** The error for a callback that cannot be called. */
export function notAFunction(name: string, value: unknown): UsageError {
  return new UsageError('ERR_INVALID_OPTION', `option ${name} takes a function, not ${shownValue(value)}`)
}
