/**
 * HTTP-redirect fetch (Fetch standard §4.4): the target of a 3xx, the changes to the request, and
 * the fields that must not be forwarded.
 */

import { type HttpResponse, ResponseError, type UnshardCode, type UsageError } from '@unshard/core'
import { checkTarget, quoted } from './location.js'
import { policyOf } from './referrer.js'
import type { FetchRequest } from './request.js'
import { without, withoutAdded } from './request-headers.js'

/** Fetch standard §4.4 step 5. */
export const MAX_REDIRECTS = 20

const STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/**
 * Dropped on a cross-origin redirect and not restored if a later hop returns to the original
 * origin.
 */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'host'])
/** Fields that describe content which is no longer sent. */
const CONTENT_FIELDS: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
])

/** Whether a status is a redirect (Fetch standard §2.2.3): 300 and 304 are not. */
export function isRedirect(status: number): boolean {
  return STATUSES.has(status)
}

/**
 * Returns the URL a redirect leads to; `undefined` without a `location`. @throws ResponseError for
 * a `location` that is not a valid URL, and for several different ones.
 */
export function redirectTarget(request: FetchRequest, response: HttpResponse): URL | undefined {
  const [location, ...others] = response.headers.getAll('location')
  if (location === undefined) return undefined
  // §2.2.2, "extract header list values": a repeated single-value field is a failure, because there
  // is no telling which value was meant.
  if (others.some((other) => other !== location))
    throw refused(request, `redirect to several URLs: ${quoted([location, ...others].join(', '))}`)
  const target = resolveLocation(request, location)
  if (target.protocol !== 'https:' && target.protocol !== 'http:') {
    throw refused(request, `redirect to the scheme ${quoted(target.protocol)}`)
  }
  checkRedirect(request, target)
  // §4.4 step 3: a fragment stays unless the new URL has its own.
  if (target.hash === '') target.hash = new URL(request.url).hash
  return target
}

/**
 * Changes the request to its new target. @throws ResponseError `ERR_REDIRECT_BODY` if the body must
 * be sent again and is not replayable.
 */
export function followRedirect(request: FetchRequest, response: HttpResponse, target: URL): void {
  const { method } = request
  const { status } = response
  // §4.4 step 11 applies whether or not the method changes.
  if (status !== 303 && request.body?.replayable === false) {
    throw redirectError('ERR_REDIRECT_BODY', request, `status ${status} requires the body to be sent again, but it was a stream`)
  }
  if (((status === 301 || status === 302) && method === 'POST') || (status === 303 && method !== 'GET' && method !== 'HEAD')) {
    request.method = 'GET'
    request.body = undefined
    request.fields = without(request.fields, CONTENT_FIELDS)
  }
  const from = new URL(request.url).origin
  if (target.origin !== from) {
    request.isTainted ||= request.page !== undefined && from !== new URL(request.page).origin
    if (request.originHeaders.length > 0) request.fields = withoutAdded(request.fields, request.originHeaders)
    request.fields = without(request.fields, CREDENTIALS)
  }
  request.referrerPolicy = policyOf(response.headers.get('referrer-policy')) ?? request.referrerPolicy
  request.url = target.href
  request.totalSince = response.totalSince
}

/** The redirect came from a response: the request was processed. */
export function redirectError(code: UnshardCode, { url }: FetchRequest, message: string, cause?: unknown): ResponseError {
  return new ResponseError(code, message, { origin: new URL(url).origin, cause })
}

function refused(request: FetchRequest, message: string, cause?: unknown): ResponseError {
  return redirectError('ERR_REDIRECT_TARGET', request, message, cause)
}

/** Applies the checks of a direct call to the redirect target. */
function checkRedirect(request: FetchRequest, target: URL): void {
  try {
    checkTarget(target)
  } catch (error) {
    const { code, message } = error as UsageError
    throw redirectError(code as UnshardCode, request, `redirect refused: ${message}`)
  }
}

function resolveLocation(request: FetchRequest, location: string): URL {
  // §2.2.6, "location URL": non-ASCII bytes are UTF-8.
  const text = /[^\x21-\x7e]/.test(location) ? Buffer.from(location, 'latin1').toString() : location
  try {
    return new URL(text, request.url)
  } catch (cause) {
    throw refused(request, `redirect to an invalid URL ${quoted(location)}`, cause)
  }
}
