/** Follows the redirects of a request, hop by hop. The rules are in `message/redirect.ts`. */

import { ResponseError } from '../errors/errors.js'
import { linesOf } from '../message/made-response.js'
import { parseOrigin } from '../message/origin.js'
import { becomesGet, CONTENT_FIELDS, CREDENTIAL_FIELDS, isRedirect, MAX_REDIRECTS, redirectTarget } from '../message/redirect.js'
import type { RequestOptions } from '../message/request-options.js'
import type { HttpResponse } from '../message/response.js'
import { inRange, invalidOption } from '../schema/option-checks.js'

/** Sends one hop. */
type Hop = (options: RequestOptions) => Promise<HttpResponse>

/** Checked options of redirects. */
interface RedirectPolicy {
  readonly mode: 'follow' | 'error'
  readonly most: number
  readonly onRedirect: RequestOptions['onRedirect']
}

/**
 * Checks the options of redirects; returns `undefined` if none is followed.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
export function redirectPolicy({ redirect, maxRedirects, onRedirect }: RequestOptions): RedirectPolicy | undefined {
  if (redirect !== undefined && redirect !== 'manual' && redirect !== 'follow' && redirect !== 'error')
    throw invalidOption('redirect', '"manual", "follow" or "error"', redirect)
  const most = inRange('maxRedirects', maxRedirects, MAX_REDIRECTS, 0, 1_000)
  if (onRedirect !== undefined && typeof onRedirect !== 'function') throw invalidOption('onRedirect', 'a function', onRedirect)
  return redirect === undefined || redirect === 'manual' ? undefined : { mode: redirect, most, onRedirect }
}

/**
 * Sends a request and follows its redirects.
 * @param bound the only origin that may be requested, for a connection handle.
 * @throws ResponseError `ERR_REDIRECT_REFUSED`, `ERR_REDIRECT_TARGET`, `ERR_REDIRECT_BODY`, `ERR_TOO_MANY_REDIRECTS`.
 */
export async function follow(
  given: RequestOptions,
  policy: RedirectPolicy,
  hop: Hop,
  bound: string | undefined,
): Promise<HttpResponse> {
  let options = given
  for (let redirects = 0; ; redirects++) {
    const response = await hop(options)
    if (!isRedirect(response.status)) return response
    try {
      const next = await nextHop(options, response, policy, redirects)
      if (next === undefined) return response
      if (bound !== undefined && parseOrigin(next.url).serialized !== bound)
        throw redirectError(
          'ERR_REDIRECT_TARGET',
          options,
          `redirect to ${parseOrigin(next.url).serialized}, but the handle is for ${bound}`,
        )
      options = next
    } catch (error) {
      response.discard(error)
      throw error
    }
    response.discard()
  }
}

/** Returns the options of the next hop; `undefined` if the redirect is the response. */
async function nextHop(
  options: RequestOptions,
  response: HttpResponse,
  { mode, most, onRedirect }: RedirectPolicy,
  redirects: number,
): Promise<RequestOptions | undefined> {
  if (mode === 'error')
    throw redirectError('ERR_REDIRECT_REFUSED', options, "the response is a redirect, and redirect is 'error'")
  const from = String(options.url)
  const target = redirectTarget(from, response)
  if (target === undefined) return undefined
  if (redirects >= most) throw redirectError('ERR_TOO_MANY_REDIRECTS', options, `more than ${most} redirects`)
  const { status, headers } = response
  const next = redirected(options, status, target, response.totalSince)
  const isWanted = await onRedirect?.({ status, from, to: target.href, method: next.method ?? 'GET', headers })
  return isWanted === false ? undefined : next
}

function redirected(options: RequestOptions, status: number, target: URL, totalSince: number): RequestOptions {
  const { method = 'GET', body } = options
  // Fetch standard §4.4 step 11 applies whether or not the method changes.
  if (status !== 303 && isOneTime(body)) {
    throw redirectError('ERR_REDIRECT_BODY', options, `status ${status} requires the body to be sent again, but it was a stream`)
  }
  const next: { -readonly [Name in keyof RequestOptions]: RequestOptions[Name] } = { ...options, url: target.href }
  if (totalSince !== 0) next.totalSince = totalSince
  const dropped = new Set<string>()
  if (becomesGet(status, method)) {
    next.method = 'GET'
    delete next.body
    delete next.trailers
    delete next.duplex
    for (const name of CONTENT_FIELDS) dropped.add(name)
  }
  if (parseOrigin(options.url).serialized !== parseOrigin(target).serialized)
    for (const name of CREDENTIAL_FIELDS) dropped.add(name)
  if (options.headers !== undefined && dropped.size > 0) next.headers = without(linesOf(options.headers), dropped)
  // An address resolved by the caller is that of the first host.
  delete next.resolvedAddress
  return next
}

function without(list: readonly string[], dropped: ReadonlySet<string>): [string, string][] {
  const kept: [string, string][] = []
  for (let i = 0; i < list.length; i += 2) if (!dropped.has(list[i]!)) kept.push([list[i]!, list[i + 1]!])
  return kept
}

/** Whether a body can be sent once: a stream or an iterable. */
function isOneTime(body: RequestOptions['body']): boolean {
  return typeof body === 'object' && body !== null && (Symbol.asyncIterator in body || body instanceof ReadableStream)
}

/** The redirect came from a response: the request was processed. */
function redirectError(
  code: 'ERR_REDIRECT_REFUSED' | 'ERR_REDIRECT_TARGET' | 'ERR_REDIRECT_BODY' | 'ERR_TOO_MANY_REDIRECTS',
  { url }: RequestOptions,
  message: string,
): ResponseError {
  return new ResponseError(code, message, { origin: parseOrigin(url).serialized })
}
