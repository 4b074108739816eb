/** Bearer tokens (RFC 6750 §2.1) for listed origins, renewed once for all requests. */

import type { HttpResponse, InterceptedRequest, Interceptor, Next } from '@unshard/core'
import { isSentOnce, namesOf, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { checkFunction, checkOrigins, checkSecret } from './checks.js'
import { takesCredentials, withAuthorization } from './credentials.js'
import { whileOpen } from './waiting.js'

/** Options of `bearer()`. */
export interface BearerOptions {
  /** Origins that get the token; requests to other origins are unchanged. */
  readonly origins: Iterable<string | URL>
  /** Returns the current token. Called for each request. */
  readonly token: () => string | Promise<string>
  /** Renews the token after a 401, once for all requests that wait; `token` then returns the new one. */
  readonly refresh?: () => unknown
}

/** Options of `bearer()`. */
export const BEARER_OPTIONS: OptionSchema<BearerOptions> = {
  origins: value('a list of origins', 'required'),
  token: value('a function', 'required'),
  refresh: value('a function'),
}

const NAMES = namesOf(BEARER_OPTIONS)
/** The token's characters (RFC 6750 §2.1). */
const TOKEN = /^[\w.~+/=-]+$/

/**
 * Adds `authorization: Bearer` for the listed origins, unless the request has the field. After a 401 it calls `refresh`, and sends the
 * request again if the token has changed and the body can be sent again.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export function bearer(options: BearerOptions): Interceptor {
  const given = ownOptions(options, NAMES, '', 'bearer()')
  const tokens = new Tokens(checkFunction('token', given.token), given.refresh)
  const origins = checkOrigins(given.origins)
  return (request, next) => (takesCredentials(request, origins) ? send(request, next, tokens) : next(request))
}

class Tokens {
  readonly #token: BearerOptions['token']
  readonly #refresh: (() => unknown) | undefined
  /** The pending renewal, which all requests share. */
  #pending: Promise<void> | undefined
  /** Number of renewals that have ended. */
  #renewals = 0

  constructor(token: BearerOptions['token'], refresh: (() => unknown) | undefined) {
    this.#token = token
    this.#refresh = refresh === undefined ? undefined : checkFunction('refresh', refresh)
  }

  async current(): Promise<string> {
    // A new request waits for the renewal as well: its token would be refused. The error is that of the requests that renew.
    await this.#pending?.catch(() => undefined)
    return checkSecret('token', await this.#token(), 'a function that returns a bearer token (RFC 6750 §2.1)', TOKEN)
  }

  /** Returns the token after `refused`; the same one if it cannot be renewed. */
  async after(refused: string): Promise<string> {
    const renewals = this.#renewals
    const current = await this.current()
    // Another request may have renewed it since.
    if (current !== refused || this.#refresh === undefined) return current
    if (renewals === this.#renewals) {
      this.#pending ??= this.#renew(this.#refresh)
      await this.#pending
    }
    return this.current()
  }

  async #renew(refresh: () => unknown): Promise<void> {
    try {
      await refresh()
    } finally {
      this.#renewals++
      this.#pending = undefined
    }
  }
}

async function send(request: InterceptedRequest, next: Next, tokens: Tokens): Promise<HttpResponse> {
  const token = await whileOpen(request, tokens.current())
  const response = await next(withAuthorization(request, `Bearer ${token}`))
  if (response.status !== 401) return response
  let renewed: string
  try {
    renewed = await whileOpen(request, tokens.after(token))
  } catch (error) {
    response.discard(error)
    throw error
  }
  if (renewed === token || isSentOnce(request.body)) return response
  response.discard()
  return next(withAuthorization(request, `Bearer ${renewed}`))
}
