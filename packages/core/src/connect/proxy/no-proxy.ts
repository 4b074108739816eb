/**
 * `NO_PROXY`: hosts that are reached without the proxy. Parsed as curl does, because users test it
 * with curl. In addition, entries may have a port, and IPv6 addresses brackets; curl ignores such
 * entries.
 */

import { BlockList, isIP } from 'node:net'
import { isBlank } from '../../field-syntax.js'

/** One entry of the list. */
interface Entry {
  readonly host: string
  /** `undefined` means any port. */
  readonly port: number | undefined
}

/** A parsed list. */
export class NoProxy {
  readonly #all: boolean
  readonly #entries: readonly Entry[]

  constructor(text: string) {
    this.#all = text === '*'
    this.#entries = [...tokens(text)].map(readEntry)
  }

  /** Whether `host`, a name or an address without brackets, is on the list. */
  matches(host: string, port: number): boolean {
    if (this.#all) return true
    const family = isIP(host)
    const name = withoutTrailingDot(host).toLowerCase()
    return this.#entries.some((entry) => {
      if (entry.port !== undefined && entry.port !== port) return false
      return family === 0 ? matchesName(entry.host, name) : matchesAddress(entry.host, host, family)
    })
  }
}

/**
 * Splits at commas, with optional blanks around. As in curl, a blank inside ends the list: the rest
 * is ignored.
 */
function tokens(text: string): Set<string> {
  const found = new Set<string>()
  for (let at = 0; at < text.length; ) {
    while (at < text.length && (text[at] === ',' || isBlank(text.charCodeAt(at)))) at++
    const start = at
    while (at < text.length && text[at] !== ',' && !isBlank(text.charCodeAt(at))) at++
    if (at > start) found.add(text.slice(start, at))
    while (at < text.length && isBlank(text.charCodeAt(at))) at++
    if (at < text.length && text[at] !== ',') break
  }
  return found
}

function readEntry(token: string): Entry {
  if (!token.includes(':')) return { host: token, port: undefined }
  const bracketed = /^\[([^\]]*)\](?::([0-9]{1,5}))?$/.exec(token)
  if (bracketed !== null) return { host: bracketed[1]!, port: portOf(bracketed[2]) }
  const withPort = /^([^:]*):([0-9]{1,5})$/.exec(token)
  if (withPort !== null) return { host: withPort[1]!, port: portOf(withPort[2]) }
  return { host: token, port: undefined }
}

function portOf(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits)
}

/**
 * `example.com` and `.example.com` both match that name and its subdomains, but not a name that
 * merely ends with the same letters.
 */
function matchesName(entry: string, name: string): boolean {
  const suffix = withoutTrailingDot(entry).replace(/^\./, '').toLowerCase()
  return suffix !== '' && (name === suffix || name.endsWith(`.${suffix}`))
}

/**
 * Only addresses match addresses. A prefix length of 0 compares the whole address, as without one.
 */
function matchesAddress(entry: string, address: string, family: number): boolean {
  const [network = '', prefix, ...rest] = entry.split('/')
  if (isIP(network) !== family || rest.length > 0) return false
  const maxBits = family === 4 ? 32 : 128
  if (prefix !== undefined && !/^[0-9]{1,3}$/.test(prefix)) return false
  const bits = Number(prefix ?? maxBits) || maxBits
  if (bits > maxBits) return false
  const list = new BlockList()
  const type = family === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(network, bits, type)
  return list.check(address, type)
}

function withoutTrailingDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}
