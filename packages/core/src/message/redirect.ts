/**
 * The rules of redirects (RFC 9110 §15.4; Fetch standard §4.4): where a 3xx leads, and what the next request carries. One
 * implementation for `client.request`, the verbs and `fetch`.
 */

import { ResponseError } from '../errors/errors.js'
import { printable } from '../schema/option-checks.js'
import type { HttpResponse } from './response.js'

/** Default maximum number of redirects (Fetch standard §4.4 step 5). */
export const MAX_REDIRECTS = 20

const STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Fields that are not sent to another origin, and not restored if a later hop returns. */
export const CREDENTIAL_FIELDS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'host'])

/** Fields that describe content which is no longer sent. */
export const CONTENT_FIELDS: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
])

/** Maximum length of a location in an error, in characters. */
const MAX_SHOWN = 100

/** Whether a status is a redirect (Fetch standard §2.2.3): 300 and 304 are not. */
export function isRedirect(status: number): boolean {
  return STATUSES.has(status)
}

/** Whether a redirect turns the request into GET without content (RFC 9110 §15.4.2 to §15.4.4). */
export function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD'
  return (status === 301 || status === 302) && method === 'POST'
}

/**
 * Returns the URL that a redirect leads to; `undefined` without `location`.
 * @param url the URL of the request.
 * @throws ResponseError `ERR_REDIRECT_TARGET` for an invalid location, another scheme, and several different locations.
 */
export function redirectTarget(url: string, response: HttpResponse): URL | undefined {
  const [location, ...others] = response.headers.getAll('location')
  if (location === undefined) return undefined
  // Fetch standard §2.2.2, "extract header list values": a repeated single-value field is a
  // failure, because there is no telling which value was meant.
  if (others.some((other) => other !== location)) {
    throw refused(url, `redirect to several URLs: ${shown([location, ...others].join(', '))}`)
  }
  const target = resolveLocation(url, location)
  const isSameUnixSocket =
    target.protocol.endsWith('+unix:') && target.host === new URL(url).host && target.protocol === new URL(url).protocol
  if (target.protocol !== 'https:' && target.protocol !== 'http:' && !isSameUnixSocket) {
    throw refused(url, `redirect to the scheme ${shown(target.protocol)}`)
  }
  // Fetch standard §4.4 step 3: a fragment stays unless the new URL has its own.
  if (target.hash === '') target.hash = new URL(url).hash
  return target
}

/** The redirect came from a response: the request was processed. */
function refused(url: string, message: string, cause?: unknown): ResponseError {
  return new ResponseError('ERR_REDIRECT_TARGET', message, { origin: new URL(url).origin, cause })
}

function resolveLocation(url: string, location: string): URL {
  // Fetch standard §2.2.6, "location URL": non-ASCII bytes are UTF-8.
  const text = /[^\x21-\x7e]/.test(location) ? Buffer.from(location, 'latin1').toString() : location
  try {
    return new URL(text, url)
  } catch (cause) {
    throw refused(url, `redirect to an invalid URL ${shown(location)}`, cause)
  }
}

function shown(text: string): string {
  return printable(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)
}
