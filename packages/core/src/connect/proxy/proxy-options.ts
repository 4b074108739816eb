/** Options of one proxy, checked. Only its name may be shown: the URL may contain a password. */

import { UsageError } from '../../errors/errors.js'
import { hasField } from '../../message/field-lines.js'
import { checkFields, type FieldsInit } from '../../message/fields.js'
import { parseUrl } from '../../message/origin.js'
import { ownOptions, refuseUnknown } from '../../schema/option-checks.js'
import { namesOf, type OptionSchema, value } from '../../schema/schema.js'
import type { ProtocolName } from '../../settings/pool-settings.js'
import type { TargetProxy } from '../../transport/target.js'
import { nodeCrypto } from '../tls/node-tls.js'
import { tlsIdentity } from '../tls/tls-identity.js'
import { checkTls, TLS_OPTIONS, type TlsOptions } from '../tls/tls-options.js'

/** Options of one proxy. */
export interface ProxyOptions {
  /**
   * URL of the proxy: `http:`, `https:`, `socks5:` (names are resolved locally), `socks5h:` (by the proxy), `socks4:` or `socks4a:`; user
   * information is Basic authentication (RFC 7617), or the user and password of SOCKS. Default ports 80, 443 and 1080.
   */
  readonly url: string | URL
  /** Trust and identity for the TLS connection to an `https:` proxy. The `tls` of the client is for origins. */
  readonly tls?: TlsOptions
  /** Fields for the proxy, such as `proxy-authorization`: sent with CONNECT, and with requests that it forwards. */
  readonly headers?: FieldsInit
  /** Protocols offered by ALPN to an `https:` proxy, in this order. Over HTTP/2 tunnels share one connection (RFC 9113 §8.5). @default both */
  readonly protocols?: readonly ProtocolName[]
}

/** Options of a proxy. */
export const PROXY_OPTIONS: OptionSchema<ProxyOptions> = {
  url: value('a URL', 'required'),
  tls: value('an object'),
  headers: value('a record, pairs, `Fields`'),
  protocols: value('a list of `h2`, `http/1.1`', 'both'),
}

/** One proxy: its URL, or an object. */
export type ProxySetting = string | URL | ProxyOptions

/** A scheme of a proxy: how it is reached and, for SOCKS, its version and where names are resolved. */
interface SchemeRow {
  readonly port: number
  readonly kind: 'http' | 'https' | 'socks'
  /** The connection to the proxy uses TLS. */
  readonly tls: boolean
  readonly version?: 4 | 5
  /** The client resolves names; otherwise the proxy does. */
  readonly resolves?: boolean
}

/** Every scheme of a proxy. A new one is a row here, and a new kind also a function of `proxy-dialer.ts`. */
export const PROXY_SCHEMES = {
  http: { port: 80, kind: 'http', tls: false },
  https: { port: 443, kind: 'https', tls: true },
  socks5: { port: 1_080, kind: 'socks', tls: false, version: 5, resolves: true },
  socks5h: { port: 1_080, kind: 'socks', tls: false, version: 5, resolves: false },
  socks4: { port: 1_080, kind: 'socks', tls: false, version: 4, resolves: true },
  socks4a: { port: 1_080, kind: 'socks', tls: false, version: 4, resolves: false },
} as const

/** A scheme of a proxy. */
export type ProxyScheme = keyof typeof PROXY_SCHEMES

/** The row of a proxy's scheme. */
export function schemeOf({ scheme }: Pick<ProxyServer, 'scheme'>): SchemeRow {
  return PROXY_SCHEMES[scheme]
}

/** A proxy after every check. */
export interface ProxyServer extends TargetProxy {
  readonly scheme: ProxyScheme
  /** Lower case; an IPv6 address stands without brackets. */
  readonly host: string
  readonly port: number
  /** For SOCKS, decoded; `undefined` without any. */
  readonly user: string | undefined
  readonly password: string | undefined
  /** Fields for the proxy: name, value, name, value. */
  readonly fields: readonly string[]
  readonly tls: TlsOptions
  readonly protocols: readonly ProtocolName[]
}

const NAMES = namesOf(PROXY_OPTIONS)
const TLS_NAMES = namesOf(TLS_OPTIONS)

/**
 * Checks the options of a proxy. `where` is its name in messages, such as `option proxy`; they never contain the URL, which may contain a
 * password.
 * @throws UsageError `ERR_INVALID_OPTION` or `ERR_UNKNOWN_OPTION`.
 */
export function checkProxy(setting: ProxySetting, where: string): ProxyServer {
  const options: ProxyOptions = isUrl(setting) ? { url: setting } : setting
  if (typeof options !== 'object' || options === null || !isUrl(options.url)) {
    throw invalid(where, 'takes a URL, or an object with one')
  }
  const { headers, tls: givenTls, protocols: offered, url: given } = ownOptions(options, NAMES, '', where)
  refuseUnknown(givenTls ?? undefined, TLS_NAMES, 'tls.', where)
  const url = splitUrl(String(given), where)
  const [user, password] = credentials(url, where)
  const { scheme, host, port } = url
  const socks = schemeOf({ scheme }).kind === 'socks'
  if (socks && headers !== undefined) throw invalid(where, 'takes no headers: SOCKS has no fields')
  if (socks) checkSocksUser(scheme, user, password, where)
  const fields = socks ? [] : proxyFields(headers, user, password, where)
  const tls = checkTls(givenTls, `${where}, tls.`)
  const protocols = checkProtocols(offered, where)
  const name = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
  const secret = [user, password, ...fields].map((part) => (part === undefined ? '-' : `${part.length}:${part}`)).join()
  const key = `${name}#${fingerprint(secret)}#${tlsIdentity(tls)}#${protocols.join()}`
  return { name, key, scheme, host, port, user, password, fields, tls, protocols }
}

function isUrl(value: unknown): value is string | URL {
  return typeof value === 'string' || typeof (value as URL | undefined)?.href === 'string'
}

interface SplitUrl {
  readonly scheme: ProxyScheme
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
}

function splitUrl(text: string, where: string): SplitUrl {
  const url = parseUrl(text)
  if (url === undefined) throw invalid(where, 'is not a valid URL')
  const scheme = url.protocol.slice(0, -1) as ProxyScheme
  if (!Object.hasOwn(PROXY_SCHEMES, scheme)) {
    throw invalid(where, `has scheme ${JSON.stringify(url.protocol)}: use one of ${Object.keys(PROXY_SCHEMES).join(', ')}`)
  }
  if (url.search !== '' || url.hash !== '' || (url.pathname !== '' && url.pathname !== '/')) {
    throw invalid(where, 'must not have a path, a query or a fragment')
  }
  // The URL standard keeps hosts of unknown schemes as written; parsed as `http:`, they are normalized.
  const host = parseUrl(`http://${url.hostname}/`)?.hostname ?? ''
  if (host === '' || url.port === '0') throw invalid(where, 'has no usable host or port')
  return {
    scheme,
    host: host.startsWith('[') ? host.slice(1, -1) : host,
    port: url.port === '' ? PROXY_SCHEMES[scheme].port : Number(url.port),
    username: url.username,
    password: url.password,
  }
}

/** Percent-decodes credentials as UTF-8. Refuses characters that could end a field line or a C string. */
function credentials(url: SplitUrl, where: string): [user: string | undefined, password: string | undefined] {
  if (url.username === '' && url.password === '') return [undefined, undefined]
  let decoded: [string, string]
  try {
    decoded = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  } catch {
    throw invalid(where, 'has credentials that are not percent-encoded UTF-8')
  }
  if (CONTROL.test(decoded.join(''))) throw invalid(where, 'has credentials with control characters')
  return decoded
}

const CONTROL = /[\x00-\x1f\x7f]/

/** RFC 1929 §2: 1 to 255 bytes each. SOCKS 4 has users but no passwords. */
function checkSocksUser(scheme: ProxyScheme, user: string | undefined, password: string | undefined, where: string): void {
  if (user === undefined || password === undefined) return
  const version4 = schemeOf({ scheme }).version === 4
  if (version4 && password !== '') throw invalid(where, 'has a password, which SOCKS 4 does not support')
  const lengths = version4 ? [Buffer.byteLength(user)] : [Buffer.byteLength(user), Buffer.byteLength(password)]
  if (lengths.some((length) => length < 1 || length > 255))
    throw invalid(where, 'must have a user and a password of 1 to 255 bytes')
}

function proxyFields(
  init: FieldsInit | undefined,
  user: string | undefined,
  password: string | undefined,
  where: string,
): readonly string[] {
  if (init !== undefined && (typeof init !== 'object' || init === null)) throw invalid(where, 'takes an object as headers')
  const { list, host, contentLength, close } = checkFields(init)
  const special = host !== undefined ? 'host' : contentLength !== undefined ? 'content-length' : close ? 'connection' : undefined
  if (special !== undefined) throw invalid(where, `has the field ${JSON.stringify(special)}, which the client sets`)
  if (user === undefined) return list
  // RFC 7617 §2: "a user-id containing a colon character is invalid".
  if (user.includes(':')) throw invalid(where, 'has a user with a colon, which Basic authentication cannot send')
  if (hasField(list, 'proxy-authorization')) {
    throw invalid(where, 'has credentials twice: in its URL and as a field')
  }
  return [...list, 'proxy-authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`]
}

function checkProtocols(names: readonly ProtocolName[] | undefined, where: string): readonly ProtocolName[] {
  if (names === undefined) return ['h2', 'http/1.1']
  if (!Array.isArray(names) || names.length === 0 || names.some((name) => name !== 'h2' && name !== 'http/1.1')) {
    throw invalid(where, 'takes "h2" and "http/1.1" as protocols, and at least one of them')
  }
  return [...names]
}

function invalid(where: string, what: string): UsageError {
  return new UsageError('ERR_INVALID_OPTION', `${where} ${what}`)
}

/** Random for each process: a key in a log cannot be used to try passwords. */
let secretKey: Buffer | undefined

function fingerprint(secret: string): string {
  const { createHmac, randomBytes } = nodeCrypto()
  secretKey ??= randomBytes(32)
  return createHmac('sha256', secretKey).update(secret).digest('base64url').slice(0, 22)
}
