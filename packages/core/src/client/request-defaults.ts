/** Defaults for the requests of a client: `client.with()`. */

import { resolveAddressPolicy } from '../message/address-policy.js'
import { Fields } from '../message/fields.js'
import { linesOf } from '../message/made-response.js'
import { checkRequest, ownRequest } from '../message/request.js'
import { REQUEST_OPTIONS, type RequestOptions, type Timeouts } from '../message/request-options.js'
import { checkIsolation, inRange, ownOptions } from '../schema/option-checks.js'
import { namesOf, type OptionSchema } from '../schema/schema.js'
import { checkInterceptors } from './interceptors.js'
import { resolveRetryPolicy } from './status-retry.js'
import { DEFAULT_TIMEOUTS, mergeTimeouts } from './timeouts.js'

/** Defaults of `client.with()`. A request's own options win; headers and timeouts are merged one by one. */
export type RequestDefaults = Pick<
  RequestOptions,
  | 'headers'
  | 'timeouts'
  | 'retry'
  | 'replay'
  | 'isolation'
  | 'strategy'
  | 'affinity'
  | 'priority'
  | 'sensitive'
  | 'addressPolicy'
  | 'interceptors'
>

const { headers, timeouts, retry, replay, isolation, strategy, affinity, priority, sensitive, addressPolicy, interceptors } =
  REQUEST_OPTIONS

/** Options of `client.with()`. */
export const DEFAULTS_OPTIONS: OptionSchema<RequestDefaults> = {
  ...{ headers, timeouts, retry, replay, isolation, strategy, affinity, priority, sensitive, addressPolicy, interceptors },
}

const NAMES = namesOf(DEFAULTS_OPTIONS)

/** Copies and checks defaults. @throws UsageError */
export function checkDefaults(given: RequestDefaults): RequestDefaults {
  const own = withFixedLists(ownOptions(given, NAMES, '', 'client.with()') as RequestDefaults)
  checkInterceptors(own.interceptors)
  resolveAddressPolicy(own.addressPolicy, 'addressPolicy')
  resolveRetryPolicy(own.retry)
  mergeTimeouts(DEFAULT_TIMEOUTS, own.timeouts)
  inRange('replay', own.replay, 1, 0, 100)
  checkIsolation(own.isolation)
  // The checks of a request: of fields, priority and affinity.
  checkRequest(ownRequest({ url: 'https://defaults.invalid/', ...own }, 'client.with()'))
  // Copies: the caller may change its own lists later.
  return {
    __proto__: null,
    ...own,
    ...(own.headers === undefined ? {} : { headers: pairsOf(linesOf(own.headers)) }),
    ...(own.interceptors === undefined ? {} : { interceptors: [...own.interceptors] }),
    ...(own.timeouts === undefined ? {} : { timeouts: { ...own.timeouts } }),
  } as unknown as RequestDefaults
}

/** Merges the defaults of a view over those of the client it was made from. Interceptors are joined by the client. */
export function mergeDefaults(base: RequestDefaults | undefined, more: RequestDefaults): RequestDefaults {
  const own = { __proto__: null, ...more, interceptors: undefined } as unknown as RequestDefaults
  return base === undefined ? own : withDefaults(base, own)
}

/** Merges the options of a request over defaults. */
export function withDefaults<Options extends RequestDefaults>(defaults: RequestDefaults, options: Options): Options {
  const merged: Record<string, unknown> = { __proto__: null, ...defaults }
  for (const [name, option] of Object.entries(options)) if (option !== undefined) merged[name] = option
  if (defaults.headers !== undefined && options.headers !== undefined)
    merged['headers'] = joinHeaders(defaults.headers, options.headers)
  if (defaults.timeouts !== undefined && options.timeouts !== undefined)
    merged['timeouts'] = joinTimeouts(defaults.timeouts, options.timeouts)
  // The request has a `priority` field of its own.
  if (options.priority === undefined && hasPriority(options.headers)) delete merged['priority']
  return merged as Options
}

function joinTimeouts(defaults: Timeouts, given: Timeouts): Timeouts {
  const set = Object.entries(given).filter(([, ms]) => ms !== undefined)
  return { ...defaults, ...Object.fromEntries(set) }
}

function hasPriority(headers: RequestOptions['headers']): boolean {
  return headers !== undefined && linesOf(headers).some((text, i) => i % 2 === 0 && text === 'priority')
}

/** A field of the request replaces all default lines with its name. */
function joinHeaders(
  defaults: NonNullable<RequestOptions['headers']>,
  given: NonNullable<RequestOptions['headers']>,
): [string, string][] {
  const own = pairsOf(linesOf(given))
  const names = new Set(own.map(([name]) => name))
  return [...pairsOf(linesOf(defaults)).filter(([name]) => !names.has(name)), ...own]
}

function pairsOf(list: readonly string[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i < list.length; i += 2) pairs.push([list[i]!, list[i + 1]!])
  return pairs
}

/** Copies headers and names that may be iterables which can be read once. */
export function withFixedLists<Options extends Pick<RequestOptions, 'headers' | 'sensitive'>>(options: Options): Options {
  const { headers, sensitive } = options
  if (!isOnce(headers) && !isOnce(sensitive)) return options
  return {
    __proto__: null,
    ...options,
    ...(headers === undefined ? {} : { headers: pairsOf(linesOf(headers)) }),
    ...(sensitive === undefined ? {} : { sensitive: [...sensitive] }),
  } as unknown as Options
}

/** Whether an iterable may be empty when it is read again. */
function isOnce(list: unknown): boolean {
  return typeof list === 'object' && list !== null && Symbol.iterator in list && !Array.isArray(list) && !(list instanceof Fields)
}
