/** Where a request may go: schemes that are fetched, and ports that no HTTP server has (Fetch standard §2.9, "port blocking"). */

import { UsageError } from '@unshard/core'

/** Fetch standard §2.9: sending HTTP to these is how a mail or a chat server is made to take commands. */
const BAD_PORTS: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
  115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556,
  563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
  6668, 6669, 6679, 6697, 10080,
])

/** The last origin with a port that was found good: most requests go where the one before went. */
let goodPrefix = 'https://nowhere.invalid:1/'

/** Whether the text is an `http:` or `https:` URL whose port needs no look. */
export function isPlainHttp(url: string): boolean {
  const start = url.startsWith('https://') ? 8 : url.startsWith('http://') ? 7 : 0
  if (start === 0) return false
  // Credentials, or a path that looks like it.
  if (url.includes('@')) return false
  if (url.startsWith(goodPrefix)) return true
  const colon = url.indexOf(':', start)
  if (colon === -1) return true
  const slash = url.indexOf('/', start)
  // URL standard §4.4: slashes in front of the host are passed over, however many.
  if (slash !== -1 && slash < colon) return slash > start
  return slash !== -1 && hasGoodPort(url, colon, slash)
}

/** For `host:port/`, and nothing that is less simple. */
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
    throw new UsageError('ERR_BLOCKED_PORT', `port ${url.port} is blocked: no HTTP server has it`, { origin: url.origin })
  }
}

/** Whether an absolute URL is of an origin, which is given as it is serialized. */
export function isOfOrigin(url: string, origin: string): boolean {
  const next = url.charCodeAt(origin.length)
  if (url.startsWith(origin) && (Number.isNaN(next) || next === SLASH || next === QUESTION || next === HASH)) return true
  return parseUrl(url, undefined).origin === origin
}

const SLASH = 0x2f
const QUESTION = 0x3f
const HASH = 0x23

/**
 * A relative URL stays at the origin of its base, also where it is written by a user: `//other.example/` and `\\\\other.example` are relative and name a host.
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

/** Longest part of a caller's text that an error shows, in characters. */
const MAX_SHOWN = 100

/** Text for an error: short, and without raw control characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)
}

/** @throws UsageError `ERR_INVALID_URL`. */
export function parseUrl(text: string, base: string | undefined): URL {
  try {
    return new URL(text, base)
  } catch (cause) {
    const hint =
      base === undefined && !/^[a-z][a-z0-9+.-]{0,30}:/i.test(text) ? ': there is no baseUrl that it is relative to' : ''
    throw new UsageError('ERR_INVALID_URL', `invalid URL ${quoted(text)}${hint}`, { cause })
  }
}
