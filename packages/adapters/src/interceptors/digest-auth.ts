/** Digest authentication (RFC 7616) for listed origins. */

import { type Interceptor, parseOrigin } from '@unshard/core'
import { isSentOnce, namesOf, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { PASSWORD, USERNAME } from './basic-auth.js'
import { parseChallenges } from './challenges.js'
import { checkOrigins, checkSecret } from './checks.js'
import { takesCredentials, withAuthorization } from './credentials.js'
import { DigestSession, isStale, strongestOf, type User } from './digest.js'

/** Options of `digestAuth()`. */
export interface DigestAuthOptions {
  /** Origins that get the credentials; requests to other origins are unchanged. */
  readonly origins: Iterable<string | URL>
  /** User name, without a colon and without control characters. */
  readonly username: string
  /** Password, without control characters. */
  readonly password: string
}

/** Options of `digestAuth()`. */
export const DIGEST_AUTH_OPTIONS: OptionSchema<DigestAuthOptions> = {
  origins: value('a list of origins', 'required'),
  username: value('text', 'required'),
  password: value('text', 'required'),
}

const NAMES = namesOf(DIGEST_AUTH_OPTIONS)
/** The first request has no nonce; the second one may have a nonce that is stale. */
const MAX_ATTEMPTS = 3

/**
 * Answers the challenges of the listed origins with SHA-256 or MD5, unless the request has an `authorization` field. Later requests to an
 * origin use its last nonce, without another challenge.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export function digestAuth(options: DigestAuthOptions): Interceptor {
  const given = ownOptions(options, NAMES, '', 'digestAuth()')
  const origins = checkOrigins(given.origins)
  const user: User = {
    username: checkSecret('username', given.username, 'text without a colon and without control characters', USERNAME),
    password: checkSecret('password', given.password, 'text without control characters', PASSWORD),
  }
  const sessions = new Map<string, DigestSession>()
  return async (request, next) => {
    if (!takesCredentials(request, origins)) return next(request)
    const origin = parseOrigin(request.url).serialized
    for (let attempts = 1; ; attempts++) {
      const session = sessions.get(origin)
      const { method, url } = request
      const response = await next(session === undefined ? request : withAuthorization(request, session.field(method, url)))
      if (response.status !== 401) return response
      const challenge = strongestOf(response.headers.getAll('www-authenticate').flatMap(parseChallenges))
      // A new nonce was refused, and not because it is stale: the credentials are wrong.
      if (challenge === undefined || attempts === MAX_ATTEMPTS || (attempts > 1 && !isStale(challenge))) return response
      // Another request may have answered a challenge since.
      if (sessions.get(origin) === session) sessions.set(origin, new DigestSession(challenge, user))
      if (isSentOnce(request.body)) return response
      response.discard()
    }
  }
}
