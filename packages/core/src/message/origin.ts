/** Parses URLs into origins and request targets (RFC 6454, RFC 9110 §4). */

import { isIP } from 'node:net'
import { UsageError } from '../errors/errors.js'
import { shownValue } from '../schema/option-checks.js'

/**
 * An origin as text, such as `https://a.example:8443`, without the default port (RFC 6454 §6.2); or
 * `http+unix://%2Frun%2Fa.sock`.
 */
export type SerializedOrigin = string & { readonly '~origin': true }

/** Scheme, host and port. Compare `serialized`, not objects: a cached object may be replaced. */
export interface Origin {
  readonly serialized: SerializedOrigin
  readonly scheme: 'https' | 'http'
  /** Host in lower case with A-labels; an IPv6 address has no brackets. */
  readonly host: string
  readonly port: number
  /**
   * Value of `:authority` or `host`: the host, and the port unless it is the default of the scheme.
   */
  readonly authority: string
  /** Whether `host` is an IP address. */
  readonly isAddress: boolean
  /**
   * Socket path of `http+unix:` and `https+unix:` origins. Their host is `localhost`, which is
   * never resolved.
   */
  readonly socketPath?: string | undefined
}

/** The origin of a request, and path and query as they are sent. */
export interface RequestUrl {
  readonly origin: Origin
  readonly path: string
}

/** Maximum number of cached origins; a full cache is cleared. A miss costs one URL parse. */
const MAX_KNOWN_ORIGINS = 16_384
const known = new Map<string, Origin>()
/**
 * The same origins in a direct-mapped hash table, so that a lookup does not slice the URL. The last
 * one wins a slot.
 */
const places = new Array<Origin | undefined>(MAX_KNOWN_ORIGINS).fill(undefined)
/**
 * The origin of the last request: most requests repeat it, and comparing is cheaper than hashing.
 */
let latest: Origin | undefined

/**
 * Any character but those that the WHATWG parser keeps unchanged in path and query. Such paths, and
 * dot segments, take the slow path through `URL`. Found by a search: a pattern for the whole path
 * keeps each character for backtracking, and takes seconds for a megabyte in some engines.
 */
const ODD_CHARACTER = /[^A-Za-z0-9\-._~!$&()*+,;=:@/?%]|%(?![0-9A-Fa-f]{2})/
const REWRITTEN = /\/(?:\.|%2e)(?:\.|%2e)?(?:[/?]|$)/i

/**
 * Splits an absolute `http:` or `https:` URL, or an `http+unix:` or `https+unix:` URL whose host is
 * the percent-encoded path of a socket. Drops the fragment (RFC 9110 §4.2.5).
 * @param keepDotSegments whether dot segments in the path of a text are kept.
 * @throws UsageError `ERR_INVALID_URL` or `ERR_UNSUPPORTED_SCHEME`; `ERR_URL_CREDENTIALS` for
 * `user:password@`.
 */
export function parseRequestUrl(url: string | URL, keepDotSegments = false): RequestUrl {
  if (typeof url !== 'string') return split(asUrl(url))
  if (url.length > MAX_URL) throw tooLong(url.length)
  const origin = knownOrigin(url)
  if (origin !== undefined) {
    const path = url.slice(origin.serialized.length)
    if (isPlainPath(path) && (keepDotSegments || !REWRITTEN.test(path))) return { origin, path }
  }
  const parsed = parseUrl(url)
  if (parsed === undefined) throw new UsageError('ERR_INVALID_URL', `invalid URL ${quoted(url)}`)
  const request = split(parsed)
  return keepDotSegments ? withDotSegments(request, url) : request
}

function isPlainPath(path: string): boolean {
  return path.startsWith('/') && !ODD_CHARACTER.test(path)
}

/** Restores a path whose dot segments the parser removed, unless it has other characters that must be rewritten. */
function withDotSegments(request: RequestUrl, url: string): RequestUrl {
  // The path of a socket's URL may be that of the socket.
  if (request.origin.socketPath !== undefined) return request
  const slash = url.indexOf('/', url.indexOf('//') + 2)
  const path = slash === -1 ? '/' : url.slice(slash)
  return REWRITTEN.test(path) && isPlainPath(path) ? { origin: request.origin, path } : request
}

/**
 * Maximum length of a URL, in characters. A few million exhaust the stack of regular expressions.
 */
const MAX_URL = 1_048_576

function tooLong(length: number): UsageError {
  return new UsageError('ERR_INVALID_URL', `the URL has ${length} characters; the maximum is ${MAX_URL}`)
}

/** @throws UsageError `ERR_INVALID_URL` if the value is neither a string nor a URL. */
function asUrl(url: URL): URL {
  if (typeof url?.protocol === 'string' && typeof url.href === 'string') {
    if (url.href.length > MAX_URL) throw tooLong(url.href.length)
    return url
  }
  throw new UsageError('ERR_INVALID_URL', `a URL must be a string or a URL object, not ${shownValue(url)}`)
}

/** Maximum length of user-supplied text in an error, in characters. */
const MAX_SHOWN = 200

/**
 * Quotes text for an error: shortened, with control characters escaped and possible passwords
 * removed.
 */
function quoted(text: string): string {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
  const at = shown.lastIndexOf('@')
  const start = shown.indexOf('//') + 2
  return JSON.stringify(at < start ? shown : `${shown.slice(0, start)}…${shown.slice(at)}`)
}

/** Returns the cached origin of a URL that starts with its serialized form, followed by a path. */
function knownOrigin(url: string): Origin | undefined {
  if (latest !== undefined && url.charCodeAt(latest.serialized.length) === SLASH && url.startsWith(latest.serialized))
    return latest
  const slash = url.indexOf('/', 'https://'.length)
  if (slash === -1 || slash > MAX_ORIGIN_LENGTH) return undefined
  const place = placeOf(url, slash)
  let origin = places[place]
  if (origin === undefined || origin.serialized.length !== slash || !url.startsWith(origin.serialized)) {
    origin = known.get(url.slice(0, slash))
    if (origin === undefined) return undefined
    places[place] = origin
  }
  latest = origin
  return origin
}

/** Maximum length of an origin in the hash table, in characters. A DNS name has at most 253. */
const MAX_ORIGIN_LENGTH = 512

/**
 * Returns the table slot: FNV-1a of the text up to `end`, without the scheme, which rarely differs.
 */
function placeOf(text: string, end: number): number {
  let sum = 0x811c9dc5
  for (let i = 'https://'.length; i < end; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
  return (sum ^ (sum >>> 15)) & (MAX_KNOWN_ORIGINS - 1)
}

const SLASH = 0x2f

/**
 * Parses a URL; `undefined` if it is invalid. Not with `URL.canParse`, which on Node 20, once
 * optimized, wrongly rejects U+0080 to U+00FF.
 */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}

/** Returns the origin of a URL. @throws UsageError as {@link parseRequestUrl} does. */
export function parseOrigin(url: string | URL): Origin {
  return parseRequestUrl(url).origin
}

function split(url: URL): RequestUrl {
  if (url.protocol === 'http+unix:' || url.protocol === 'https+unix:') return splitUnix(url)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new UsageError('ERR_UNSUPPORTED_SCHEME', `unsupported scheme ${quoted(url.protocol)} in ${quoted(url.href)}`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('ERR_URL_CREDENTIALS', `credentials in the URL for ${url.host}: send an authorization field instead`)
  }
  return { origin: learn(url), path: url.pathname + queryOf(url) }
}

/**
 * Returns the query with its question mark. Keeps an empty query, which `URL.search` drops (URL
 * standard §6.1): servers may distinguish it.
 */
function queryOf({ search, href }: URL): string {
  if (search !== '') return search
  const mark = href.indexOf('?')
  if (mark === -1) return ''
  // A question mark after `#` belongs to the fragment.
  const fragment = href.indexOf('#')
  return mark === (fragment === -1 ? href.length : fragment) - 1 ? '?' : ''
}

/**
 * Splits a URL of a Unix socket. The URL standard does not normalize these schemes, so the path is
 * parsed again as that of an `http:` URL. Without a host, the whole path is the socket's, as in
 * `http+unix:///run/a.sock`.
 */
function splitUnix(url: URL): RequestUrl {
  if (url.username !== '' || url.password !== '')
    throw new UsageError('ERR_URL_CREDENTIALS', 'credentials in the URL of a socket: send an authorization field instead')
  const socketPath = decoded(url.hostname === '' ? url.pathname : url.hostname)
  if (socketPath === undefined || socketPath === '' || socketPath.includes('\0') || url.port !== '') {
    throw new UsageError('ERR_INVALID_URL', `no valid socket path in ${quoted(url.href)}`)
  }
  const scheme = url.protocol === 'https+unix:' ? 'https' : 'http'
  const target = new URL(`http://localhost${url.hostname === '' ? '/' : url.pathname}${queryOf(url)}`)
  return { origin: learnUnix(scheme, socketPath), path: target.pathname + queryOf(target) }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function learnUnix(scheme: 'https' | 'http', socketPath: string): Origin {
  const serialized = `${scheme}+unix://${encodeURIComponent(socketPath)}` as SerializedOrigin
  const port = scheme === 'https' ? 443 : 80
  const names = { serialized, scheme, host: 'localhost', port, authority: 'localhost' }
  return known.get(serialized) ?? remember({ ...names, isAddress: false, socketPath })
}

function learn(url: URL): Origin {
  const origin = known.get(url.origin)
  if (origin !== undefined) return origin
  const secure = url.protocol === 'https:'
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  return remember({
    serialized: url.origin as SerializedOrigin,
    scheme: secure ? 'https' : 'http',
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    authority: url.host,
    isAddress: isIP(host) !== 0,
  })
}

function remember(origin: Origin): Origin {
  if (known.size >= MAX_KNOWN_ORIGINS) {
    known.clear()
    // Clear both, so that no two objects exist for one origin.
    places.fill(undefined)
  }
  known.set(origin.serialized, origin)
  return origin
}
