/** `-b file`: cookies in the format of Netscape, as curl and browsers export them. */

import { readInput } from './input.js'

/** One cookie of a file. */
interface StoredCookie {
  readonly domain: string
  /** Whether hosts below the domain get it too. */
  readonly hasSubdomains: boolean
  readonly path: string
  readonly isSecure: boolean
  /** Seconds since 1970; 0 for the session. */
  readonly expires: number
  readonly pair: string
}

const HTTP_ONLY = '#HttpOnly_'
const FIELDS = 7

/** Returns the value of `cookie` for a URL: pairs as they are written, and those of files that match (RFC 6265 §5.4). */
export function cookieValue(options: readonly string[], url: URL, nowMs: number = Date.now()): string | undefined {
  const pairs = options.flatMap((option) => {
    if (option.includes('=')) return [option]
    if (option === '') return []
    return cookiesOf(readInput('--cookie', option).toString())
      .filter((cookie) => isFor(cookie, url, nowMs))
      .toSorted(inCurlsOrder)
      .map(({ pair }) => pair)
  })
  return pairs.length === 0 ? undefined : pairs.join('; ')
}

/** Longer paths first (RFC 6265 §5.4), then longer domains and names. */
function inCurlsOrder(a: StoredCookie, b: StoredCookie): number {
  return b.path.length - a.path.length || b.domain.length - a.domain.length || b.pair.indexOf('=') - a.pair.indexOf('=')
}

function cookiesOf(text: string): StoredCookie[] {
  return text.split('\n').flatMap((line) => {
    const plain = line.startsWith(HTTP_ONLY) ? line.slice(HTTP_ONLY.length) : line
    const fields = plain.replace('\r', '').split('\t')
    if (plain.startsWith('#') || fields.length < FIELDS) return []
    const [domain, subdomains, path, secure, expires, name, ...value] = fields as [string, string, string, string, string, string]
    return [
      {
        domain: (domain.startsWith('.') ? domain.slice(1) : domain).toLowerCase(),
        hasSubdomains: subdomains === 'TRUE',
        path,
        isSecure: secure === 'TRUE',
        expires: Number(expires),
        pair: `${name}=${(value as string[]).join('\t')}`,
      },
    ]
  })
}

function isFor({ domain, hasSubdomains, path, isSecure, expires }: StoredCookie, url: URL, nowMs: number): boolean {
  const { hostname, pathname, protocol } = url
  const isHost = hostname === domain || (hasSubdomains && hostname.endsWith(`.${domain}`))
  const isPath = pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
  return isHost && isPath && (!isSecure || protocol === 'https:') && (expires === 0 || expires * 1_000 > nowMs)
}
