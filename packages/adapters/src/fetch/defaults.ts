/** What every call of one `fetch` begins with. */

import { UsageError } from '@unshard/core'
import { ownOptions } from '@unshard/core/internal'
import { type CookieJar, checkJar } from './cookies.js'
import { checkExtensions, EXTENSION_NAMES, type FetchExtensions, mergeExtensions, NO_EXTENSIONS } from './extensions.js'
import { parseUrl } from './location.js'
import { type Pair, toPairs } from './request-headers.js'

/** The second argument of `createFetch`, and the argument of `fetch.with`: what calls begin with, and the members of `init.unshard`. */
export interface FetchDefaults extends FetchExtensions {
  /** What relative URLs are relative to. Default: `page`; without one they are refused. A relative URL cannot leave its origin. */
  readonly baseUrl?: string | URL
  /** Headers for each request that does not name them itself; with a `baseUrl`, for requests to its origin only. */
  readonly headers?: RequestInit['headers']
  /** Which requests get `headers`: those to the origin of `baseUrl`, or any. Default: `base-origin` where there is a `baseUrl`, else `any`. */
  readonly defaultHeadersFor?: 'base-origin' | 'any'
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
  /** As it was given: without one, `page` is what URLs are relative to. */
  readonly baseUrl: string | undefined
  readonly headers: readonly Pair[]
  /** The only origin that `headers` are for; `undefined` for any. */
  readonly headersOrigin: string | undefined
  readonly defaultHeadersFor: FetchDefaults['defaultHeadersFor']
  readonly extensions: FetchExtensions
  readonly cookies: CookieJar | undefined
  readonly page: string | undefined
}

const NAMES: ReadonlySet<string> = new Set([
  ...EXTENSION_NAMES,
  ...['baseUrl', 'headers', 'defaultHeadersFor', 'cookies', 'page'],
])
const HEADERS_FOR: ReadonlySet<unknown> = new Set([undefined, 'base-origin', 'any'])

const NO_DEFAULTS: ResolvedDefaults = {
  baseUrl: undefined,
  headers: [],
  headersOrigin: undefined,
  defaultHeadersFor: undefined,
  extensions: NO_EXTENSIONS,
  cookies: undefined,
  page: undefined,
}

/**
 * Defaults laid over those of another `fetch`.
 * @throws UsageError naming a member that is unknown or not valid.
 */
export function resolveDefaults(given: FetchDefaults, base: ResolvedDefaults = NO_DEFAULTS): ResolvedDefaults {
  const defaults: FetchDefaults = ownOptions(given, NAMES, '', 'createFetch()')
  checkExtensions(defaults, '')
  const { headers, cookies = base.cookies, defaultHeadersFor = base.defaultHeadersFor } = defaults
  if (!HEADERS_FOR.has(defaultHeadersFor)) {
    throw new UsageError('ERR_INVALID_OPTION', 'defaultHeadersFor is neither "base-origin" nor "any"')
  }
  if (cookies !== undefined) checkJar(cookies)
  const page = hrefOf(defaults.page, undefined) ?? base.page
  const baseUrl = hrefOf(defaults.baseUrl, base.baseUrl) ?? base.baseUrl
  const hasExtensions = EXTENSION_NAMES.some((name) => defaults[name] !== undefined)
  return {
    baseUrl,
    headers: headers === undefined ? base.headers : mergedPairs(lowerCased(toPairs(headers)), base.headers),
    headersOrigin: baseUrl === undefined || defaultHeadersFor === 'any' ? undefined : new URL(baseUrl).origin,
    defaultHeadersFor,
    extensions: hasExtensions ? mergeExtensions(base.extensions, defaults) : base.extensions,
    cookies,
    page,
  }
}

function lowerCased(pairs: readonly Pair[]): Pair[] {
  return pairs.map(([name, value]) => [name.toLowerCase(), value])
}

function mergedPairs(pairs: readonly Pair[], base: readonly Pair[]): Pair[] {
  return [...pairs, ...base.filter(([name]) => !pairs.some((pair) => pair[0] === name))]
}

function hrefOf(url: string | URL | undefined, base: string | undefined): string | undefined {
  return url === undefined ? undefined : parseUrl(String(url), base).href
}
