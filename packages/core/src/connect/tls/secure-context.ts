/** Creates the TLS contexts of a client. */

import type { SecureContext } from 'node:tls'
import { nodeTls } from './node-tls.js'
import type { TlsOptions } from './tls-options.js'

/**
 * RFC 8879: a certificate for 60 hosts, of which this client makes the most, is a third shorter.
 * Node 24 and later have it; older ones ignore the option.
 */
const CERTIFICATE_COMPRESSION: NonNullable<TlsOptions['certificateCompression']> = ['brotli', 'zlib', 'zstd']

/**
 * Returns the context of the options, or creates one that accepts compressed certificates, unless
 * this build of OpenSSL lacks one of the algorithms.
 * @throws what OpenSSL does not accept in the options.
 */
export function contextOf(options: TlsOptions): SecureContext {
  if (options.secureContext !== undefined) return options.secureContext
  const { createSecureContext } = nodeTls()
  if (options.certificateCompression !== undefined) return createSecureContext(options)
  try {
    return createSecureContext({ __proto__: null, ...options, certificateCompression: CERTIFICATE_COMPRESSION } as TlsOptions)
  } catch {
    // If the options themselves are at fault, this throws again.
    return createSecureContext(options)
  }
}

/** Whether a context has a certificate, and so authenticates the client. If it cannot be read, it may. */
export function mayAuthenticate({ context }: SecureContext): boolean {
  const { getCertificate } = context as { getCertificate?(): unknown }
  return getCertificate === undefined || (getCertificate.call(context) ?? undefined) !== undefined
}
