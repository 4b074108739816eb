/** Defaults for the requests of a client: `client.with()`. */

import { linesOf } from '../message/made-response.js'
import { REQUEST_OPTIONS, type RequestOptions } from '../message/request-options.js'
import { ownOptions } from '../schema/option-checks.js'
import { namesOf, type OptionSchema } from '../schema/schema.js'
import { checkInterceptors } from './interceptors.js'

/** Defaults of `client.with()`. A request's own options win; headers and timeouts are merged one by one. */
export type RequestDefaults = Pick<
  RequestOptions,
  | 'headers'
  | 'timeouts'
  | 'retry'
  | 'replay'
  | 'isolation'
  | 'affinity'
  | 'priority'
  | 'sensitive'
  | 'addressPolicy'
  | 'interceptors'
>

const { headers, timeouts, retry, replay, isolation, affinity, priority, sensitive, addressPolicy, interceptors } =
  REQUEST_OPTIONS

/** Options of `client.with()`. */
export const DEFAULTS_OPTIONS: OptionSchema<RequestDefaults> = {
  ...{ headers, timeouts, retry, replay, isolation, affinity, priority, sensitive, addressPolicy, interceptors },
}

const NAMES = namesOf(DEFAULTS_OPTIONS)

/** Copies and checks defaults. @throws UsageError */
export function checkDefaults(given: RequestDefaults): RequestDefaults {
  const own = ownOptions(given, NAMES, '', 'client.with()')
  checkInterceptors(own.interceptors)
  return own
}

/** Merges the defaults of a view over those of the client it was made from. Interceptors are joined by the client. */
export function mergeDefaults(base: RequestDefaults | undefined, more: RequestDefaults): RequestDefaults {
  const { interceptors: _, ...own } = more
  return base === undefined ? own : withDefaults(base, own as RequestOptions)
}

/** Merges the options of a request over defaults. */
export function withDefaults<Options extends RequestDefaults>(defaults: RequestDefaults, options: Options): Options {
  const merged: Record<string, unknown> = { __proto__: null, ...defaults }
  for (const [name, option] of Object.entries(options)) if (option !== undefined) merged[name] = option
  if (defaults.headers !== undefined && options.headers !== undefined)
    merged['headers'] = joinHeaders(defaults.headers, options.headers)
  if (defaults.timeouts !== undefined && options.timeouts !== undefined)
    merged['timeouts'] = { ...defaults.timeouts, ...options.timeouts }
  return merged as Options
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
