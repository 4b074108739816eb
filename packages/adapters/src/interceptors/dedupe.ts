/** Lets identical requests that are in flight at the same time share one response. */

import type { HttpResponse, InterceptedRequest, Interceptor, Next } from '@unshard/core'
import { namesOf, number, numberIn, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { checkFunction } from './checks.js'
import { SharedRequest } from './shared-request.js'

/** Options of `dedupe()`. */
export interface DedupeOptions {
  /** Returns what identical requests have in common; `undefined` for a request that is not shared. @default method, URL, fields, options */
  readonly key?: (request: InterceptedRequest) => string | undefined
  /** Maximum size of a shared response, in bytes. Beyond it each caller sends its own request. @default 1,048,576 */
  readonly maxBytes?: number
}

/** Options of `dedupe()`. */
export const DEDUPE_OPTIONS: OptionSchema<DedupeOptions> = {
  key: value('a function', 'method, URL, fields, options'),
  maxBytes: number(1_048_576, 0, Number.MAX_SAFE_INTEGER, 'bytes'),
}

const NAMES = namesOf(DEDUPE_OPTIONS)

/**
 * Sends identical GET and HEAD requests once while they are in flight; each caller gets a response of its own.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function dedupe(options?: DedupeOptions): Interceptor {
  const given = ownOptions(options, NAMES, '', 'dedupe()')
  const keyOf = checkFunction('key', given.key ?? identity)
  const maxBytes = numberIn(DEDUPE_OPTIONS, given, 'maxBytes')
  const inFlight = new Map<string, SharedRequest>()
  return (request, next) => {
    const key = isShareable(request) ? keyOf(request) : undefined
    if (key === undefined) return next(request)
    const shared = inFlight.get(key)
    return shared === undefined ? lead(request, next, key) : follow(request, next, shared)
  }

  function lead(request: InterceptedRequest, next: Next, key: string): Promise<HttpResponse> {
    const shared = new SharedRequest(maxBytes, () => inFlight.delete(key))
    inFlight.set(key, shared)
    return shared.send(request, next)
  }
}

/** Returns the caller's copy of the shared response, or sends the request if it is not shared. */
async function follow(request: InterceptedRequest, next: Next, shared: SharedRequest): Promise<HttpResponse> {
  return (await shared.join(request)) ?? next(request)
}

/** Whether a request is safe (RFC 9110 §9.2.1) and has nothing that only one caller can receive. */
function isShareable({ method, body, onInformational }: InterceptedRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && (body ?? undefined) === undefined && onInformational === undefined
}

/** Joins everything that may change the response, or the connection that carries it. */
function identity(request: InterceptedRequest): string {
  const { method, url, headers, sensitive: _, signal: __, totalSince: ___, ...rest } = request
  return JSON.stringify([method, url, [...headers], rest])
}
