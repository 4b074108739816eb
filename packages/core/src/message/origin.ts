/** Origins and request targets (RFC 6454, RFC 9110 §4): what a URL says about where to connect and what to ask for. */

import { isIP } from 'node:net'
import { UsageError } from '../errors/errors.js'
import { shownValue } from '../schema/option-checks.js'

/** An origin as text, such as `https://a.example:8443`; the default port is left out (RFC 6454 §6.2). Or `http+unix://%2Frun%2Fa.sock`. */
export type SerializedOrigin = string & { readonly '~origin': true }

/** Scheme, host and port. One object for each origin while it is remembered: compare `serialized`, not objects. */
export interface Origin {
  readonly serialized: SerializedOrigin
  readonly scheme: 'https' | 'http'
  /** Lower case, A-labels; an IPv6 address stands without brackets. */
  readonly host: string
  readonly port: number
  /** What is sent as `:authority` or `host`: the host, and the port where it is not the scheme's own. */
  readonly authority: string
  /** Whether `host` is an IP address and not a name. */
  readonly isAddress: boolean
  /** Of `http+unix:` and `https+unix:`: the path of the socket. Their host is `localhost`, and never resolved. */
  readonly socketPath?: string | undefined
}

/** Where a request goes: its origin, and path and query as they are sent. */
export interface RequestUrl {
  readonly origin: Origin
  readonly path: string
}

/** Bounded by forgetting everything: an origin costs one URL parse to learn again. */
const MAX_KNOWN_ORIGINS = 16_384
const known = new Map<string, Origin>()
/** The same, each where its text's sum says: looked up without a copy of the text. Of two with one place the one that came last has it. */
const places = new Array<Origin | undefined>(MAX_KNOWN_ORIGINS).fill(undefined)
/** The origin asked for last: most requests go where the one before went, and comparing is cheaper than hashing. */
let latest: Origin | undefined

/**
 * Path characters that the WHATWG parser leaves as they are, in the path and in the query alike. Anything else takes the slow way
 * through `URL`, and so do dot segments.
 */
const PLAIN_PATH = /^\/(?:[A-Za-z0-9\-._~!$&()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/
const REWRITTEN = /\/(?:\.|%2e)(?:\.|%2e)?(?:[/?]|$)/i

/**
 * Splits an absolute `http:` or `https:` URL, or one of `http+unix:` or `https+unix:` whose host is the percent-encoded path of a socket.
 * A fragment is dropped (RFC 9110 §4.2.5).
 * @throws UsageError `ERR_INVALID_URL` or `ERR_UNSUPPORTED_SCHEME`; `ERR_URL_CREDENTIALS` for `user:password@`.
 */
export function parseRequestUrl(url: string | URL): RequestUrl {
  if (typeof url !== 'string') return split(asUrl(url))
  if (url.length > MAX_URL) throw tooLong(url.length)
  const origin = knownOrigin(url)
  if (origin !== undefined) {
    const path = url.slice(origin.serialized.length)
    if (PLAIN_PATH.test(path) && !REWRITTEN.test(path)) return { origin, path }
  }
  const parsed = parseUrl(url)
  if (parsed === undefined) throw new UsageError('ERR_INVALID_URL', `invalid URL ${quoted(url)}`)
  return split(parsed)
}

/** Longest URL, in characters. Servers take some thousands; a few million exhaust the stack of regular expressions. */
const MAX_URL = 1_048_576

function tooLong(length: number): UsageError {
  return new UsageError('ERR_INVALID_URL', `the URL has ${length} characters, and may have at most ${MAX_URL}`)
}

/** @throws UsageError `ERR_INVALID_URL` for what is neither text nor a URL. */
function asUrl(url: URL): URL {
  if (typeof url?.protocol === 'string' && typeof url.href === 'string') {
    if (url.href.length > MAX_URL) throw tooLong(url.href.length)
    return url
  }
  throw new UsageError('ERR_INVALID_URL', `a URL is a string or a URL object, not ${shownValue(url)}`)
}

/** Longest part of a caller's text that an error shows, in characters. */
const MAX_SHOWN = 200

/** Text for an error: short, without raw control characters and without what may be a password. */
function quoted(text: string): string {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
  const at = shown.lastIndexOf('@')
  const start = shown.indexOf('//') + 2
  return JSON.stringify(at < start ? shown : `${shown.slice(0, start)}…${shown.slice(at)}`)
}

/** The origin of a URL that begins with an origin just as it is serialised, followed by a path. */
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

/** Longer origins are looked up by a URL parse, in characters: a DNS name has 253. */
const MAX_ORIGIN_LENGTH = 512

/** FNV-1a over the text up to `end`, without the scheme: that is hardly ever what differs. */
function placeOf(text: string, end: number): number {
  let sum = 0x811c9dc5
  for (let i = 'https://'.length; i < end; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
  return (sum ^ (sum >>> 15)) & (MAX_KNOWN_ORIGINS - 1)
}

const SLASH = 0x2f

/** Not by `URL.canParse`: on Node 20, once optimised, it answers false for a URL with characters from U+0080 to U+00FF. */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}

/** The origin of a URL. @throws UsageError as {@link parseRequestUrl} does. */
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

/** With its question mark, also where it is empty: `URL.search` has none then (URL standard §6.1), and a server may tell the two apart. */
function queryOf({ search, href }: URL): string {
  if (search !== '') return search
  const mark = href.indexOf('?')
  if (mark === -1) return ''
  // One that stands behind `#` belongs to the fragment.
  const fragment = href.indexOf('#')
  return mark === (fragment === -1 ? href.length : fragment) - 1 ? '?' : ''
}

/**
 * The URL standard does not know these schemes: host and path are taken as they are written, and the path once more as that of an `http:`
 * URL. Without a host the whole path is the socket's, as in `http+unix:///run/a.sock`.
 */
function splitUnix(url: URL): RequestUrl {
  if (url.username !== '' || url.password !== '')
    throw new UsageError('ERR_URL_CREDENTIALS', 'credentials in the URL of a socket')
  const socketPath = decoded(url.hostname === '' ? url.pathname : url.hostname)
  if (socketPath === undefined || socketPath === '' || socketPath.includes('\0') || url.port !== '') {
    throw new UsageError('ERR_INVALID_URL', `no path of a socket in ${quoted(url.href)}`)
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
    // There is one object for each origin.
    places.fill(undefined)
  }
  known.set(origin.serialized, origin)
  return origin
}
