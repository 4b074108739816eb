/** Rejects for responses whose status is an error. */

import { type HttpResponse, type Interceptor, parseOrigin, ResponseError } from '@unshard/core'
import { namesOf, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { checkFunction, judge } from './checks.js'
import { shownUrl } from './shown-url.js'

/** Options of `throwOnStatus()`. */
export interface ThrowOnStatusOptions {
  /** Whether a status is an error. @default 400 or more */
  readonly statuses?: (status: number) => boolean
}

/** Options of `throwOnStatus()`. */
export const THROW_ON_STATUS_OPTIONS: OptionSchema<ThrowOnStatusOptions> = {
  statuses: value('a function', '400 or more'),
}

const NAMES = namesOf(THROW_ON_STATUS_OPTIONS)

/** The error for a status: `ERR_STATUS`. Read or discard the body of its response. */
export class StatusError extends ResponseError {
  /** The response; its body is unread. */
  readonly response: HttpResponse
  readonly status: number

  constructor(message: string, origin: string, response: HttpResponse) {
    super('ERR_STATUS', message, { origin })
    this.status = response.status
    this.response = response
  }
}

/**
 * Rejects with a {@link StatusError} for 4xx and 5xx, or for the statuses of a function.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function throwOnStatus(options?: ThrowOnStatusOptions): Interceptor {
  const given = ownOptions(options, NAMES, '', 'throwOnStatus()')
  const isError = checkFunction('statuses', given.statuses ?? isErrorStatus)
  return async (request, next) => {
    const response = await next(request)
    if (!judge(({ status }) => isError(status), response)) return response
    const { status } = response
    throw new StatusError(
      `${request.method} ${shownUrl(request.url)}: status ${status}`,
      parseOrigin(request.url).serialized,
      response,
    )
  }
}

function isErrorStatus(status: number): boolean {
  return status >= 400
}
