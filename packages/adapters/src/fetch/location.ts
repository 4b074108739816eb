/**
 * Allowed targets of a request: supported schemes, and ports that no HTTP server uses (Fetch
 * standard §2.9, "port blocking").
 */

import { UsageError } from '@unshard/core'

/** Fetch standard §2.9: HTTP sent to these ports can make mail or chat servers execute commands. */
const BAD_PORTS: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
  115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556,
  563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
  6668, 6669, 6679, 6697, 10080,
])

/**
 * The last origin whose port was accepted: most requests go to the same origin as the previous one.
 */
let goodPrefix = 'https://nowhere.invalid:1/'

/** Whether the text is an `http:` or `https:` URL whose port needs no check. */
export function isPlainHttp(url: string): boolean {
  const start = url.startsWith('https://') ? 8 : url.startsWith('http://') ? 7 : 0
  if (start === 0) return false
  // Credentials, or a path that looks like credentials.
  if (url.includes('@')) return false
  if (url.startsWith(goodPrefix)) return true
  const colon = url.indexOf(':', start)
  if (colon === -1) return true
  const slash = url.indexOf('/', start)
  // URL standard §4.4: any number of slashes in front of the host is skipped.
  if (slash !== -1 && slash < colon) return slash > start
  return slash !== -1 && hasGoodPort(url, colon, slash)
}

/** Handles `host:port/` only, nothing more complex. */
function hasGoodPort(url: string, colon: number, slash: number): boolean {
  const text = url.slice(colon + 1, slash)
  if (!/^[1-9][0-9]{0,4}$/.test(text) || BAD_PORTS.has(Number(text))) return false
  goodPrefix = url.slice(0, slash + 1)
  return true
}

/**
 * @throws UsageError `ERR_BLOCKED_PORT`, and `ERR_URL_CREDENTIALS` (Fetch standard §5.4 step 5).
 */
export function checkTarget(url: URL): void {
  if (url.username !== '' || url.password !== '') {
    const message = `credentials in the URL for ${url.host}: send an authorization field instead`
    throw new UsageError('ERR_URL_CREDENTIALS', message)
  }
  if (url.port !== '' && BAD_PORTS.has(Number(url.port))) {
    throw new UsageError('ERR_BLOCKED_PORT', `port ${url.port} is blocked by the Fetch standard`, { origin: url.origin })
  }
}

/** Whether an absolute URL belongs to a serialized origin. */
export function isOfOrigin(url: string, origin: string): boolean {
  const next = url.charCodeAt(origin.length)
  if (url.startsWith(origin) && (Number.isNaN(next) || next === SLASH || next === QUESTION || next === HASH)) return true
  return parseUrl(url, undefined).origin === origin
}

const SLASH = 0x2f
const QUESTION = 0x3f
const HASH = 0x23

/**
 * Requires that a relative URL stays at the origin of its base, even if it comes from a user:
 * `//other.example/` and `\\\\other.example` are relative and name a host.
 * @throws UsageError `ERR_INVALID_URL`.
 */
export function checkSameOrigin(url: URL, text: string, base: string): void {
  const { origin } = new URL(base)
  if (url.origin === origin || isAbsolute(text)) return
  throw new UsageError('ERR_INVALID_URL', `relative URL ${quoted(text)} leaves the origin of baseUrl: write an absolute URL`, {
    origin,
  })
}

function isAbsolute(text: string): boolean {
  try {
    return new URL(text).href !== ''
  } catch {
    return false
  }
}

/** Maximum length of user-supplied text in an error message, in characters. */
const MAX_SHOWN = 100

/** Quotes text for an error message: short, and without raw control characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)
}

/** @throws UsageError `ERR_INVALID_URL`. */
export function parseUrl(text: string, base: string | undefined): URL {
  try {
    return new URL(text, base)
  } catch (cause) {
    const hint = base === undefined && !/^[a-z][a-z0-9+.-]{0,30}:/i.test(text) ? ': a relative URL requires baseUrl' : ''
    throw new UsageError('ERR_INVALID_URL', `invalid URL ${quoted(text)}${hint}`, { cause })
  }
}
