/** Defaults of every call of one `fetch`. */

import { UsageError } from '@unshard/core'
import { flagRow, invalidOption, namesOf, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { type CookieJar, checkJar } from './cookies.js'
import {
  checkExtensions,
  EXTENSION_NAMES,
  EXTENSION_OPTIONS,
  type FetchExtensions,
  mergeExtensions,
  NO_EXTENSIONS,
} from './extensions.js'
import { parseUrl } from './location.js'
import { type Pair, toPairs } from './request-headers.js'

/**
 * Second argument of `createFetch` and argument of `fetch.with`: defaults of every call, and the
 * members of `init.unshard`.
 */
export interface FetchDefaults extends FetchExtensions {
  /**
   * Base of relative URLs. Default: `page`; without either, relative URLs are refused. A relative
   * URL cannot leave the origin of its base.
   * @default `page`
   */
  readonly baseUrl?: string | URL
  /**
   * Headers for each request that does not set them itself; with a `baseUrl`, only for requests to
   * its origin.
   */
  readonly headers?: RequestInit['headers']
  /**
   * Requests that get `headers`: those to the origin of `baseUrl`, or any. Default: `base-origin`
   * with a `baseUrl`, else `any`.
   * @default `base-origin` with a `baseUrl`
   */
  readonly defaultHeadersFor?: 'base-origin' | 'any'
  /**
   * Cookie store: a `CookieJar` of tough-cookie, or any object with its `getCookieString` and
   * `setCookie`. Used at every redirect, but not for requests with `credentials: 'omit'` or a
   * user-supplied `cookie` header. Default: cookies are neither sent nor stored.
   */
  readonly cookies?: CookieJar
  /**
   * Address of the page that makes the requests. With it, `referer` and `origin` are sent as a
   * browser would, and `redirect: 'manual'` yields an opaque redirect. Default: none; the fields
   * are not sent, and a redirect is returned as it is.
   */
  readonly page?: string | URL
  /**
   * Adds an entry to the performance timeline for each response that is over, as the platform's
   * `fetch` does: `performance.getEntriesByType('resource')`. {@link install} turns it on unless it is
   * set to false.
   * @default false
   */
  readonly resourceTiming?: boolean
  /**
   * Makes `statusText` of responses over HTTP/2, which have none, the registered phrase, such as
   * `Not Found`: for libraries whose errors have it as their message. Over HTTP/1.1 it is the
   * server's own.
   * @default false
   */
  readonly registeredStatusText?: boolean
}

/** Validated defaults. */
export interface ResolvedDefaults {
  /** As given: without one, `page` is the base of relative URLs. */
  readonly baseUrl: string | undefined
  readonly headers: readonly Pair[]
  /** The only origin that gets `headers`; `undefined` for any. */
  readonly headersOrigin: string | undefined
  readonly defaultHeadersFor: FetchDefaults['defaultHeadersFor']
  readonly extensions: FetchExtensions
  readonly cookies: CookieJar | undefined
  readonly page: string | undefined
  readonly resourceTiming: boolean | undefined
  readonly registeredStatusText: boolean | undefined
}

/** Defaults of a `fetch`. */
export const DEFAULTS_OPTIONS: OptionSchema<FetchDefaults> = {
  ...EXTENSION_OPTIONS,
  baseUrl: value('a URL', '`page`'),
  headers: value('as `init.headers`'),
  defaultHeadersFor: value('`base-origin`, `any`', '`base-origin` with a `baseUrl`'),
  cookies: value('a cookie jar'),
  page: value('a URL'),
  resourceTiming: flagRow(false),
  registeredStatusText: flagRow(false),
}

const NAMES = namesOf(DEFAULTS_OPTIONS)
const HEADERS_FOR: ReadonlySet<unknown> = new Set([undefined, 'base-origin', 'any'])

const NO_DEFAULTS: ResolvedDefaults = {
  baseUrl: undefined,
  headers: [],
  headersOrigin: undefined,
  defaultHeadersFor: undefined,
  extensions: NO_EXTENSIONS,
  cookies: undefined,
  page: undefined,
  resourceTiming: undefined,
  registeredStatusText: undefined,
}

/**
 * Merges defaults over those of another `fetch`.
 * @throws UsageError for an unknown name or an invalid limit; TypeError for an invalid URL or
 * invalid headers.
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
    resourceTiming: flagOf(defaults, 'resourceTiming') ?? base.resourceTiming,
    registeredStatusText: flagOf(defaults, 'registeredStatusText') ?? base.registeredStatusText,
  }
}

function flagOf(defaults: FetchDefaults, name: 'resourceTiming' | 'registeredStatusText'): boolean | undefined {
  const given = defaults[name]
  if (given !== undefined && typeof given !== 'boolean') throw invalidOption(name, 'true or false', given)
  return given
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
