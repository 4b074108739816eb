/** Basic authentication (RFC 7617) for listed origins. */

import type { Interceptor } from '@unshard/core'
import { namesOf, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { checkOrigins, checkSecret } from './checks.js'
import { takesCredentials, withAuthorization } from './credentials.js'

/** Options of `basicAuth()`. */
export interface BasicAuthOptions {
  /** Origins that get the credentials; requests to other origins are unchanged. */
  readonly origins: Iterable<string | URL>
  /** User name, without a colon and without control characters. */
  readonly username: string
  /** Password, without control characters. */
  readonly password: string
}

/** Options of `basicAuth()`. */
export const BASIC_AUTH_OPTIONS: OptionSchema<BasicAuthOptions> = {
  origins: value('a list of origins', 'required'),
  username: value('text', 'required'),
  password: value('text', 'required'),
}

const NAMES = namesOf(BASIC_AUTH_OPTIONS)
/** RFC 7617 §2: no control characters, and no colon in the user name. */
export const USERNAME: RegExp = /^[^:\x00-\x1f\x7f]*$/
/** RFC 7617 §2: no control characters. */
export const PASSWORD: RegExp = /^[^\x00-\x1f\x7f]*$/

/**
 * Adds `authorization: Basic` for the listed origins, unless the request has the field.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export function basicAuth(options: BasicAuthOptions): Interceptor {
  const given = ownOptions(options, NAMES, '', 'basicAuth()')
  const origins = checkOrigins(given.origins)
  const field = basicField(given.username, given.password)
  return (request, next) => next(takesCredentials(request, origins) ? withAuthorization(request, field) : request)
}

/** Returns the value of `authorization`, in UTF-8 (RFC 7617 §2.1). @throws UsageError `ERR_INVALID_OPTION`. */
export function basicField(username: string | undefined, password: string | undefined): string {
  const user = checkSecret('username', username, 'text without a colon and without control characters', USERNAME)
  const secret = checkSecret('password', password, 'text without control characters', PASSWORD)
  return `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`
}
