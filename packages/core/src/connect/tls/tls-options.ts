/** TLS options that a caller may set, checked. None of them changes which protocol is negotiated. */

import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { UsageError } from '../../errors/errors.js'
import { invalidOption } from '../../schema/option-checks.js'
import { type OptionSchema, value } from '../../schema/schema.js'
import type { KeyLogOption } from './key-log.js'

/** Trust and identity, as `tls.connect` takes them, and further requirements on the certificate. */
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
    | 'secureContext'
  > {
  /**
   * SHA-256 of public keys (SubjectPublicKeyInfo), 32 bytes in base64, with or without `sha256/` or `sha256//` in front: the key of the
   * server must be one of them, whatever else is checked. Keys of authorities do not count; `ca` says which of those are trusted. A mismatch
   * is a `ConnectError` with phase `tls` and code `ERR_TLS_PIN`.
   * @default any key
   */
  readonly pins?: readonly string[]
  /**
   * Algorithms with which a server may compress its certificates (RFC 8879), in order of preference; an empty list turns it off. Ignored by
   * versions of Node without it.
   * @default `brotli`, `zlib`, `zstd` where Node has it
   */
  readonly certificateCompression?: readonly ('brotli' | 'zlib' | 'zstd')[]
  /**
   * DNS name that is sent to every server (SNI) and that its certificate must have, instead of the origin's host. With it no connection
   * serves more than one origin.
   * @default the host
   */
  readonly servername?: string
}

/** TLS options of a client. `keylog` applies to its connections to proxies as well. */
export interface ClientTlsOptions extends TlsOptions {
  /**
   * Where secrets of TLS connections are logged, for Wireshark: anyone who can read it can decrypt the traffic. A file that is appended to, a
   * function, or `true` for the file that the environment variable `SSLKEYLOGFILE` names when the client is created; `false` logs nothing.
   * @default `true`
   */
  readonly keylog?: KeyLogOption
}

const AS_NODE = value('as `tls.connect`', "Node's")

/** TLS options of a connection. */
export const TLS_OPTIONS: OptionSchema<TlsOptions> = {
  ca: AS_NODE,
  cert: AS_NODE,
  key: AS_NODE,
  pfx: AS_NODE,
  passphrase: AS_NODE,
  crl: AS_NODE,
  ciphers: AS_NODE,
  sigalgs: AS_NODE,
  ecdhCurve: AS_NODE,
  minVersion: AS_NODE,
  maxVersion: AS_NODE,
  secureOptions: AS_NODE,
  rejectUnauthorized: AS_NODE,
  checkServerIdentity: AS_NODE,
  secureContext: AS_NODE,
  pins: value('a list of SHA-256 in base64', 'any key'),
  certificateCompression: value('a list of `brotli`, `zlib`, `zstd`', '`brotli`, `zlib`, `zstd` where Node has it'),
  servername: value('a DNS name', 'the host'),
}

/** TLS options of a client. */
export const CLIENT_TLS_OPTIONS: OptionSchema<ClientTlsOptions> = {
  ...TLS_OPTIONS,
  keylog: value('`true`, `false`, a file, a function', '`true`'),
}

/**
 * Copies the options, because later connections must have the identity that was hashed, and normalizes the pins.
 * @param prefix stands in front of the names in errors.
 * @throws UsageError `ERR_INVALID_OPTION` for what OpenSSL would not find out.
 */
export function checkTls<T extends TlsOptions>(options: T | undefined, prefix: string): T {
  const checked = { __proto__: null, ...options } as unknown as T
  const { pins, servername } = checked
  if (servername !== undefined && (typeof servername !== 'string' || !SERVER_NAME.test(servername) || isIP(servername) !== 0)) {
    throw invalidOption(`${prefix}servername`, 'a DNS name', servername)
  }
  checkContext(checked, prefix)
  // Deno parses the lists and ignores them: a revoked certificate would be accepted.
  if (checked.crl !== undefined && process.versions['deno'] !== undefined)
    throw new UsageError(
      'ERR_INVALID_OPTION',
      `option ${prefix}crl: Deno does not check revocation lists; use checkServerIdentity or pins`,
    )
  if (pins === undefined) return checked
  if (!Array.isArray(pins) || pins.length === 0) throw invalidOption(`${prefix}pins`, 'a list with at least one SHA-256', pins)
  return { __proto__: null, ...checked, pins: [...new Set(pins.map((pin) => pinOf(pin, `${prefix}pins`)))].sort() }
}

/** Options that go into a TLS context: Node ignores them beside one that is given. */
const OF_THE_CONTEXT = [
  ...(['ca', 'cert', 'key', 'pfx', 'passphrase', 'crl', 'ciphers', 'sigalgs', 'ecdhCurve', 'minVersion', 'maxVersion'] as const),
  ...(['secureOptions', 'certificateCompression'] as const),
]

/** @throws UsageError `ERR_INVALID_OPTION` for a context that is not valid, or is not alone. */
function checkContext(options: TlsOptions, prefix: string): void {
  const { secureContext } = options
  if (secureContext === undefined) return
  if (typeof secureContext !== 'object' || typeof secureContext?.context !== 'object')
    throw invalidOption(`${prefix}secureContext`, 'the result of tls.createSecureContext()', secureContext)
  const other = OF_THE_CONTEXT.find((name) => options[name] !== undefined)
  if (other === undefined) return
  const message = `option ${prefix}${other}: a secureContext has its own; pass it to tls.createSecureContext()`
  throw new UsageError('ERR_INVALID_OPTION', message)
}

/** RFC 6066 §3: "a byte string using ASCII encoding without a trailing dot". */
const SERVER_NAME = /^(?=.{1,253}$)[\w-]{1,63}(\.[\w-]{1,63})*$/

/** 32 bytes are 43 digits and one `=`, which is optional. */
const PIN = /^(?:sha256\/\/?)?([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])=?$/

function pinOf(pin: unknown, name: string): string {
  const match = typeof pin === 'string' ? PIN.exec(pin) : null
  if (match === null) throw invalidOption(name, 'SHA-256 of public keys in base64', pin)
  return `${match[1]}=`
}
