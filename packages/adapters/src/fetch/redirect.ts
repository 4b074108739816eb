/**
 * HTTP-redirect fetch (Fetch standard §4.4): the checks of a target, and the changes to the request. The rules that do not depend on
 * `fetch` are core's.
 */

import { type HttpResponse, ResponseError, type UnshardCode, type UsageError } from '@unshard/core'
import { becomesGet, CONTENT_FIELDS, CREDENTIAL_FIELDS, redirectTarget } from '@unshard/core/internal'
import { checkTarget } from './location.js'
import { policyOf } from './referrer.js'
import type { FetchRequest } from './request.js'
import { without, withoutAdded } from './request-headers.js'

/**
 * Returns the URL a redirect leads to; `undefined` without a `location`.
 * @throws ResponseError for a `location` that is not valid, or that a direct call must not have.
 */
export function targetOf(request: FetchRequest, response: HttpResponse): URL | undefined {
  const target = redirectTarget(request.url, response)
  if (target === undefined) return undefined
  try {
    checkTarget(target)
  } catch (error) {
    const { code, message } = error as UsageError
    throw redirectError(code as UnshardCode, request, `redirect refused: ${message}`)
  }
  return target
}

/**
 * Changes the request to its new target. @throws ResponseError `ERR_REDIRECT_BODY` if the body must
 * be sent again and is not replayable.
 */
export function followRedirect(request: FetchRequest, response: HttpResponse, target: URL): void {
  const { status } = response
  // §4.4 step 11 applies whether or not the method changes.
  if (status !== 303 && request.body?.replayable === false) {
    throw redirectError('ERR_REDIRECT_BODY', request, `status ${status} requires the body to be sent again, but it was a stream`)
  }
  if (becomesGet(status, request.method)) {
    request.method = 'GET'
    request.body = undefined
    request.fields = without(request.fields, CONTENT_FIELDS)
  }
  const from = new URL(request.url).origin
  if (target.origin !== from) {
    request.isTainted ||= request.page !== undefined && from !== new URL(request.page).origin
    if (request.originHeaders.length > 0) request.fields = withoutAdded(request.fields, request.originHeaders)
    request.fields = without(request.fields, CREDENTIAL_FIELDS)
  }
  request.referrerPolicy = policyOf(response.headers.get('referrer-policy')) ?? request.referrerPolicy
  request.url = target.href
  // A response that an interceptor made has none.
  if (response.totalSince !== 0) request.totalSince = response.totalSince
}

/** The redirect came from a response: the request was processed. */
export function redirectError(code: UnshardCode, { url }: FetchRequest, message: string, cause?: unknown): ResponseError {
  return new ResponseError(code, message, { origin: new URL(url).origin, cause })
}
