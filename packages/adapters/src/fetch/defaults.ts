/** What every call of one `createFetch` begins with. */

import { type RetryPolicy, UsageError } from '@unshard/core'
import { type CookieJar, checkJar } from './cookies.js'
import { type Pair, toPairs } from './request-headers.js'

/** The second argument of `createFetch`. */
export interface FetchDefaults {
  /** What relative URLs are relative to. Default: `page`; without one they are refused. */
  readonly baseUrl?: string | URL
  /** Headers for each request that does not name them itself. */
  readonly headers?: RequestInit['headers']
  /** `init.maxDecodedBytes` where a call names none. */
  readonly maxDecodedBytes?: number
  /** `init.retry` where a call names none. Default: the client's. */
  readonly retry?: RetryPolicy | boolean
  /**
   * Where cookies are kept: a `CookieJar` of tough-cookie, or what has its `getCookieString` and `setCookie`. Asked at every redirect; not for requests
   * with `credentials: 'omit'`, or a `cookie` header of their own. Default: none are sent, none are kept.
   */
  readonly cookies?: CookieJar
  /**
   * The address of the page that requests are made for, where there is such a thing: they then say `referer` and `origin` as a browser's
   * would, and `redirect: 'manual'` gives an opaque redirect. Default: none; nothing is said, and a redirect is given as it is.
   */
  readonly page?: string | URL
}

/** The same, checked and ready. */
export interface ResolvedDefaults {
  readonly baseUrl: string | undefined
  readonly headers: readonly Pair[]
  readonly maxDecodedBytes: number | undefined
  readonly retry: RetryPolicy | boolean | undefined
  readonly cookies: CookieJar | undefined
  readonly page: string | undefined
}

const NAMES: ReadonlySet<string> = new Set(['baseUrl', 'headers', 'maxDecodedBytes', 'retry', 'cookies', 'page'])

/** @throws UsageError naming what is unknown; and a limit that is none; TypeError for a URL or headers that are none. */
export function resolveDefaults(defaults: FetchDefaults): ResolvedDefaults {
  for (const name of Object.keys(defaults)) {
    if (!NAMES.has(name)) throw new UsageError('ERR_INVALID_OPTION', `unknown default ${JSON.stringify(name)} of createFetch`)
  }
  const { baseUrl, headers, maxDecodedBytes, retry, cookies, page } = defaults
  if (maxDecodedBytes !== undefined && !(maxDecodedBytes >= 0)) {
    throw new UsageError('ERR_INVALID_OPTION', `maxDecodedBytes is a number of octets, not ${String(maxDecodedBytes)}`)
  }
  if (cookies !== undefined) checkJar(cookies)
  return {
    baseUrl: hrefOf(baseUrl ?? page),
    headers: headers === undefined ? [] : toPairs(headers).map(([name, value]) => [name.toLowerCase(), value]),
    maxDecodedBytes,
    retry,
    cookies,
    page: hrefOf(page),
  }
}

function hrefOf(url: string | URL | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).href
}
