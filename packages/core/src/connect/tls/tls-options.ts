/** What a caller may say about TLS, checked; and nothing that would change what is negotiated. */

import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { invalidOption } from '../../schema/option-checks.js'
import type { KeyLogOption } from './key-log.js'

/** Trust and identity, as `tls.connect` takes them, and what a certificate must be beyond that. */
export interface TlsOptions
  extends Pick<
    ConnectionOptions,
    | 'ca'
    | 'cert'
    | 'key'
    | 'pfx'
    | 'passphrase'
    | 'crl'
    | 'ciphers'
    | 'sigalgs'
    | 'ecdhCurve'
    | 'minVersion'
    | 'maxVersion'
    | 'secureOptions'
    | 'rejectUnauthorized'
    | 'checkServerIdentity'
  > {
  /**
   * SHA-256 of public keys (SubjectPublicKeyInfo), 32 bytes in base64, `sha256/` or `sha256//` in front or not: a server's own key must be one
   * of them, whatever else is checked or not. Default: any. Keys of authorities do not count: `ca` says which of those are trusted.
   * A mismatch is a `ConnectError`, phase `tls`, code `ERR_TLS_PIN`.
   */
  readonly pins?: readonly string[]
  /**
   * The name that every server is asked for (SNI) and that its certificate must have, in place of the origin's host. A DNS name. Default: the
   * host. With it no connection serves more than one origin.
   */
  readonly servername?: string
}

/** Of a client, with what holds for its connections to proxies too. */
export interface ClientTlsOptions extends TlsOptions {
  /**
   * Where secrets of TLS connections are logged, for Wireshark and its like: who reads them reads everything. A file that is appended to, a
   * function, or `true` for the file that the environment variable `SSLKEYLOGFILE` names when the client is made. Default: `true`, as in
   * browsers and curl; `false` logs nothing, whatever the environment says.
   */
  readonly keylog?: KeyLogOption
}

/** Names of the TLS options that are taken. */
export const TLS_OPTIONS: readonly (keyof TlsOptions)[] = [
  'ca',
  'cert',
  'key',
  'pfx',
  'passphrase',
  'crl',
  'ciphers',
  'sigalgs',
  'ecdhCurve',
  'minVersion',
  'maxVersion',
  'secureOptions',
  'rejectUnauthorized',
  'checkServerIdentity',
  'pins',
  'servername',
]

/**
 * A copy, because connections that are made later must be of the identity that was hashed; pins in one form.
 * @param prefix stands in front of the names in errors.
 * @throws UsageError `ERR_INVALID_OPTION` for what OpenSSL would not find out.
 */
export function checkTls<T extends TlsOptions>(options: T | undefined, prefix: string): T {
  const checked = { __proto__: null, ...options } as unknown as T
  const { pins, servername } = checked
  if (servername !== undefined && (typeof servername !== 'string' || !SERVER_NAME.test(servername) || isIP(servername) !== 0)) {
    throw invalidOption(`${prefix}servername`, 'a DNS name', servername)
  }
  if (pins === undefined) return checked
  if (!Array.isArray(pins) || pins.length === 0) throw invalidOption(`${prefix}pins`, 'a list with one SHA-256 at least', pins)
  return { __proto__: null, ...checked, pins: [...new Set(pins.map((pin) => pinOf(pin, `${prefix}pins`)))].sort() }
}

/** RFC 6066 §3: "a byte string using ASCII encoding without a trailing dot". */
const SERVER_NAME = /^(?=.{1,253}$)[\w-]{1,63}(\.[\w-]{1,63})*$/

/** 32 bytes are 43 digits and one `=`, which some leave out. */
const PIN = /^(?:sha256\/\/?)?([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])=?$/

function pinOf(pin: unknown, name: string): string {
  const match = typeof pin === 'string' ? PIN.exec(pin) : null
  if (match === null) throw invalidOption(name, 'SHA-256 of public keys in base64', pin)
  return `${match[1]}=`
}
