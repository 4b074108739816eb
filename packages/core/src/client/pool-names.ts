/** Names of pools: an origin, an isolation, or both as `https://api.example#isolation`. */

import { isIP } from 'node:net'
import { UsageError } from '../errors/errors.js'
import { parseOrigin, parseUrl } from '../message/origin.js'
import { shownValue } from '../schema/option-checks.js'

/** Key of the settings of an isolation: no origin begins like this, whatever text the isolation is. */
export function isolationKey(isolation: string): string {
  return `#${isolation}`
}

/** Whether a pool name is an isolation, and not an origin. */
export function isIsolation(name: string): boolean {
  return !/^https?(\+unix)?:/i.test(name)
}

/**
 * Normalizes a pool name: an origin is serialized.
 * @throws UsageError if the origin is not valid.
 */
export function keyOf(name: string): string {
  if (isIsolation(name)) return isolationKey(refuseHost(name))
  const hash = name.indexOf('#')
  const { serialized } = parseOrigin(hash === -1 ? name : name.slice(0, hash))
  return hash === -1 ? serialized : serialized + name.slice(hash)
}

/**
 * Refuses an isolation that looks like a host, and so was meant as an origin.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
function refuseHost(name: string): string {
  const host = hostIn(name)
  if (host === undefined) return name
  const hash = name.indexOf('#')
  const meant = `https://${host}${hash === -1 ? '' : name.slice(hash)}`
  throw new UsageError(
    'ERR_INVALID_OPTION',
    `the pool name ${shownValue(name)} is not an origin, and an isolation must not look like a host: did you mean ${shownValue(meant)}?`,
  )
}

/**
 * Extracts the host and port of a name such as `api.example`, `localhost:8443`, `//[::1]/` or
 * `wss://api.example`.
 */
function hostIn(name: string): string | undefined {
  const rest = name.replace(SCHEME, '')
  const end = rest.search(/[/?#]/)
  const text = end === -1 ? rest : rest.slice(0, end)
  if (text.length > MAX_HOST) return undefined
  const url = parseUrl(`https://${isIP(text) === 6 ? `[${text}]` : text}`)
  // An email address is a valid isolation.
  if (url === undefined || url.username !== '') return undefined
  return rest !== name || looksLikeHost(url.hostname) || isIP(url.hostname) * isIP(text.split(':', 1)[0]!) > 0
    ? url.host
    : undefined
}

const SCHEME = /^(?:[a-z][a-z0-9+.-]{0,20}:)?\/\//i
/** Maximum length of a DNS name with a port, in characters. */
const MAX_HOST = 260

/**
 * Whether it is `localhost`, an IPv6 address, or has several labels of which the last is not a
 * number.
 */
function looksLikeHost(hostname: string): boolean {
  const dot = hostname.lastIndexOf('.')
  return hostname === 'localhost' || hostname.startsWith('[') || (dot > 0 && /^[a-z]/.test(hostname.slice(dot + 1)))
}
