/** What a caller may say about TLS, and the protocols that can be negotiated. */

import type { ConnectionOptions } from 'node:tls'

/** What `tls.connect` takes for trust and identity, and nothing that would change what is negotiated. */
export type TlsOptions = Pick<
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
>

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
]
