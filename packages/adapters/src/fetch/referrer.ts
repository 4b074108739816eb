/**
 * The request fields that name the requesting page: `referer` and `origin` (Referrer Policy §8.3;
 * Fetch standard §3.2).
 */

import { parseUrl } from './location.js'

/** Policy if none is set (Referrer Policy §3). */
const DEFAULT_POLICY = 'strict-origin-when-cross-origin'
/**
 * Maximum length of a referrer; a longer one is reduced to its origin (Referrer Policy §8.3 step
 * 4).
 */
const MAX_LENGTH = 4_096
/**
 * Valid values of a `referrer-policy` field (Referrer Policy §3); `init.referrerPolicy` may be
 * empty as well.
 */
export const REFERRER_POLICIES: ReadonlySet<string> = new Set([
  'no-referrer',
  'no-referrer-when-downgrade',
  'origin',
  'origin-when-cross-origin',
  'same-origin',
  'strict-origin',
  'strict-origin-when-cross-origin',
  'unsafe-url',
])

/**
 * Returns `init.referrer` as a URL: none for `''`, the page for `about:client`. With a page, a
 * referrer of another origin is replaced by the page.
 * @throws UsageError `ERR_INVALID_URL`.
 */
export function toReferrer(referrer: string | undefined, page: string | undefined): string | undefined {
  if (referrer === undefined || referrer === 'about:client') return page
  if (referrer === '') return undefined
  const url = parseUrl(String(referrer), page)
  if (url.protocol === 'about:' && url.pathname === 'client') return page
  return page !== undefined && new URL(page).origin !== url.origin ? page : url.href
}

/** Returns the value of `referer` under `policy`; `undefined` if it is not sent. */
export function refererFor(referrer: string | undefined, policy: string, target: string): string | undefined {
  if (referrer === undefined) return undefined
  const from = new URL(referrer)
  const to = new URL(target)
  if (from.protocol !== 'https:' && from.protocol !== 'http:') return undefined
  const origin = `${from.origin}/`
  from.username = ''
  from.password = ''
  from.hash = ''
  const full = from.href.length > MAX_LENGTH ? origin : from.href
  return choose(policy === '' ? DEFAULT_POLICY : policy, {
    full,
    origin,
    isSameOrigin: from.origin === to.origin,
    isDowngrade: isDowngrade(from, to),
  })
}

interface Choice {
  readonly full: string
  readonly origin: string
  readonly isSameOrigin: boolean
  readonly isDowngrade: boolean
}

function choose(policy: string, { full, origin, isSameOrigin, isDowngrade }: Choice): string | undefined {
  switch (policy) {
    case 'no-referrer':
      return undefined
    case 'origin':
      return origin
    case 'unsafe-url':
      return full
    case 'strict-origin':
      return isDowngrade ? undefined : origin
    case 'same-origin':
      return isSameOrigin ? full : undefined
    case 'origin-when-cross-origin':
      return isSameOrigin ? full : origin
    case 'no-referrer-when-downgrade':
      return isDowngrade ? undefined : full
    default:
      if (isSameOrigin) return full
      return isDowngrade ? undefined : origin
  }
}

/**
 * Whether the request goes from an encrypted page to an unencrypted target. Loopback addresses
 * count as encrypted (Secure Contexts §3.1).
 */
function isDowngrade(from: URL, to: URL): boolean {
  return isTrustworthy(from) && !isTrustworthy(to)
}

function isTrustworthy({ protocol, hostname }: URL): boolean {
  return (
    protocol === 'https:' ||
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    /^127\./.test(hostname) ||
    hostname === '[::1]'
  )
}

/** Length of `origin`, the shortest policy name, in characters. */
const MIN_LENGTH = 6
/**
 * Maximum length of a list member, including surrounding whitespace; every policy name is shorter.
 */
const MAX_MEMBER_LENGTH = 256

/**
 * Returns the policy set by a redirect's `referrer-policy`: the last known one (Referrer Policy
 * §8.1).
 */
export function policyOf(value: string | undefined): string | undefined {
  let end = value?.length ?? 0
  while (end > 0) {
    const start = value!.lastIndexOf(',', end - 1) + 1
    if (end - start >= MIN_LENGTH && end - start <= MAX_MEMBER_LENGTH) {
      const word = value!.slice(start, end).trim().toLowerCase()
      if (REFERRER_POLICIES.has(word)) return word
    }
    end = start - 1
  }
  return undefined
}

/** Returns the value of `origin` (Fetch standard §3.2, "append a request `Origin` header"). */
export function originFor(page: string, policy: string, target: string, isCors: boolean): string {
  const from = new URL(page)
  if (isCors) return from.origin
  const to = new URL(target)
  switch (policy) {
    case 'no-referrer':
      return 'null'
    case 'same-origin':
      return from.origin === to.origin ? from.origin : 'null'
    case '':
    case 'strict-origin':
    case 'strict-origin-when-cross-origin':
    case 'no-referrer-when-downgrade':
      return from.protocol === 'https:' && to.protocol !== 'https:' ? 'null' : from.origin
    default:
      return from.origin
  }
}
