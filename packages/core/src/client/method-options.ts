/** Options and results of the methods of a client, and their checks. */

import { UsageError } from '../errors/errors.js'
import { resolveAddressPolicy } from '../message/address-policy.js'
import type { Origin } from '../message/origin.js'
import type { RequestOptions } from '../message/request-options.js'
import type { ConnectionInfo } from '../message/response.js'
import { checkIsolation, invalidOption, ownOptions } from '../schema/option-checks.js'
import { milliseconds, namesOf, numberIn, type OptionSchema, value } from '../schema/schema.js'
import type { PoolTarget } from '../transport/target.js'

/** The result of {@link Client.warm} for one origin: a connection or an error. */
export interface WarmResult {
  readonly origin: string
  readonly connection?: ConnectionInfo
  readonly error?: Error
}

/** Options of {@link Client.close}. */
export interface CloseOptions {
  /** Time that requests in flight may take. Then they fail with `ERR_CLIENT_CLOSED`. @default 30,000 */
  readonly graceMs?: number
}

/** Options of {@link Client.warm} and {@link Client.explain}. */
export interface IsolationOptions {
  /** Isolation of the requests. */
  readonly isolation?: string
}

/** An origin of {@link Client.warm} with an isolation of its own. */
export interface WarmTarget {
  /** Origin to connect to. */
  readonly origin: string | URL
  /** Isolation of the connection. @default that of the call */
  readonly isolation?: string
}

/** Options of {@link Client.ping}. */
export interface PingOptions {
  /** Time limit of the PING. @default 5,000 */
  readonly timeoutMs?: number
  /** Isolation of the connection. */
  readonly isolation?: string
}

/** Options of `client.ping()`. */
export const PING_OPTIONS: OptionSchema<PingOptions> = { timeoutMs: milliseconds(5_000, 1), isolation: value('text') }

/** Members of an origin of `client.warm()`. */
export const WARM_TARGET: OptionSchema<WarmTarget> = {
  origin: value('a URL', 'required'),
  isolation: value('text', 'that of the call'),
}

/** Options of `client.close()`. */
export const CLOSE_OPTIONS: OptionSchema<CloseOptions> = { graceMs: milliseconds(30_000) }

/** Options of `client.warm()` and `client.explain()`. */
export const ISOLATION_OPTIONS: OptionSchema<IsolationOptions> = { isolation: value('text') }

/**
 * The target of a request on a handle, whose connection was judged when it was dialed.
 * @throws UsageError `ERR_HANDLE_CLOSED`; `ERR_OTHER_ORIGIN` for a request that an interceptor has changed; `ERR_INVALID_OPTION` for another
 *   address policy.
 */
export function ownTarget(own: PoolTarget, origin: Origin, { addressPolicy }: RequestOptions): PoolTarget {
  const details = { origin: own.origin.serialized }
  if (own.ended === true) throw new UsageError('ERR_HANDLE_CLOSED', 'the handle was closed', details)
  if (origin.serialized !== own.origin.serialized) {
    throw new UsageError(
      'ERR_OTHER_ORIGIN',
      `the handle is for ${own.origin.serialized}, but the request is for ${origin.serialized}`,
      details,
    )
  }
  if (addressPolicy === undefined || resolveAddressPolicy(addressPolicy, 'addressPolicy')?.key === own.addressPolicy?.key)
    return own
  const message = 'addressPolicy cannot be set for a request on a connection handle: set it on client.connect()'
  throw new UsageError('ERR_INVALID_OPTION', message, details)
}

const CLOSE_NAMES = namesOf(CLOSE_OPTIONS)

/** The grace period of `close()`, in milliseconds. @throws UsageError */
export function graceMsOf(options: CloseOptions | undefined): number {
  return numberIn(CLOSE_OPTIONS, ownOptions(options, CLOSE_NAMES, '', 'close()'), 'graceMs')
}

const ISOLATION_NAMES = namesOf(ISOLATION_OPTIONS)

export function isolationOf(options: IsolationOptions | undefined, taker: string): string | undefined {
  return checkIsolation(ownOptions(options, ISOLATION_NAMES, '', taker).isolation)
}

/**
 * Copies an iterable. A string is refused: it is one origin, not a list.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
export function listOf<T>(list: Iterable<T>, taker: string, what: string): T[] {
  if (typeof list === 'object' && list !== null && typeof list[Symbol.iterator] === 'function') return [...list]
  throw invalidOption(`of ${taker}`, `a list of ${what}`, list)
}

/** Whether a request of `requestAll()` is a URL alone. */
export function isUrl(request: RequestOptions | string | URL): request is string | URL {
  return typeof request === 'string' || request instanceof URL
}

const PING_NAMES = namesOf(PING_OPTIONS)
const WARM_NAMES = namesOf(WARM_TARGET)

/** @throws UsageError naming an unknown option or an invalid value. */
export function pingOptions(given: number | PingOptions | undefined): { ms: number; isolation: string | undefined } {
  const options = typeof given === 'object' ? given : given === undefined ? {} : { timeoutMs: given }
  const own = ownOptions(options as PingOptions, PING_NAMES, '', 'ping()')
  return { ms: numberIn(PING_OPTIONS, own, 'timeoutMs'), isolation: checkIsolation(own.isolation) }
}

/** @throws UsageError naming an unknown member. */
export function warmTarget(
  given: string | URL | WarmTarget,
  isolation: string | undefined,
): { origin: string | URL; isolation: string | undefined } {
  if (typeof given !== 'object' || given instanceof URL) return { origin: given, isolation }
  const own = ownOptions(given, WARM_NAMES, '', 'warm()')
  return { origin: own.origin as string | URL, isolation: checkIsolation(own.isolation) ?? isolation }
}
