/** The `authorization` field of the origins that a caller lists, and of no other. */

import { type InterceptedRequest, parseOrigin } from '@unshard/core'

/** Whether an interceptor may add credentials: the origin is listed, and the caller set none. */
export function takesCredentials(request: InterceptedRequest, origins: ReadonlySet<string>): boolean {
  return !request.headers.has('authorization') && origins.has(parseOrigin(request.url).serialized)
}

/** Returns the request with an `authorization` field. */
export function withAuthorization(request: InterceptedRequest, value: string): InterceptedRequest {
  return request.with({ headers: [...request.headers, ['authorization', value]] })
}
