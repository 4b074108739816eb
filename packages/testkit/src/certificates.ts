// A temporary certificate authority in memory: P-256 keys, PEM output, no openssl binary and no
// files. It signs anything, including wrong names and expired dates; verification is up to the
// peer.
import { KeyObject, webcrypto } from 'node:crypto'
import type * as X509 from '@peculiar/x509'

/** A certificate and its private key, both PEM, as for `tls.createSecureContext`. */
export interface Credentials {
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** DNS names of the subjectAltName; wildcards are allowed. */
  readonly names: readonly string[]
  /** IP addresses of the subjectAltName. */
  readonly ips?: readonly string[]
  /** Common name of the subject. Default: the first name, else the first address. */
  readonly commonName?: string
  /** Default: one hour ago. */
  readonly notBefore?: Date
  /** Default: in 30 days. */
  readonly notAfter?: Date
  /** Also usable as a client certificate. Default false. */
  readonly clientAuth?: boolean
  /** Omit the subjectAltName, so that only the common name can match. Default false. */
  readonly noSubjectAltName?: boolean
}

export interface Authority {
  /** PEM of the authority's own certificate, for the option `ca` of `tls.connect`. */
  readonly ca: string
  issue(options: CertificateOptions): Promise<Credentials>
  /**
   * Returns a list that revokes these certificates (RFC 5280 §5), PEM: for the option `crl`. Each
   * call creates a separate list.
   */
  revoke(...revoked: readonly Credentials[]): Promise<string>
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export async function createAuthority(): Promise<Authority> {
  const x509 = await loadLibrary()
  const keys = await generateKeys()
  const name = [{ CN: ['unshard testkit authority'] }]
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    notBefore: new Date(Date.now() - 365 * DAY_MS),
    notAfter: new Date(Date.now() + 365 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return {
    ca: certificate.toString('pem'),
    issue: (options) => issue(x509, options, name, keys),
    revoke: (...revoked) => revoke(x509, revoked, name, keys),
  }
}

type Library = typeof X509

async function issue(x509: Library, options: CertificateOptions, issuer: X509.JsonName, authority: Keys): Promise<Credentials> {
  const keys = await generateKeys()
  const { names, ips = [] } = options
  const extensions: X509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([
      x509.ExtendedKeyUsage.serverAuth,
      ...(options.clientAuth === true ? [x509.ExtendedKeyUsage.clientAuth] : []),
    ]),
    await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
  ]
  if (options.noSubjectAltName !== true && names.length + ips.length > 0) {
    extensions.push(
      new x509.SubjectAlternativeNameExtension([
        ...names.map((value) => ({ type: 'dns' as const, value })),
        ...ips.map((value) => ({ type: 'ip' as const, value })),
      ]),
    )
  }
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [options.commonName ?? names[0] ?? ips[0] ?? 'unnamed'] }],
    issuer,
    notBefore: options.notBefore ?? new Date(Date.now() - HOUR_MS),
    notAfter: options.notAfter ?? new Date(Date.now() + 30 * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: authority.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions,
  })
  return {
    cert: certificate.toString('pem'),
    key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

async function revoke(x509: Library, revoked: readonly Credentials[], issuer: X509.JsonName, authority: Keys): Promise<string> {
  const list = await x509.X509CrlGenerator.create({
    issuer,
    thisUpdate: new Date(Date.now() - HOUR_MS),
    nextUpdate: new Date(Date.now() + DAY_MS),
    entries: revoked.map(({ cert }) => ({
      serialNumber: new x509.X509Certificate(cert).serialNumber,
      revocationDate: new Date(Date.now() - HOUR_MS),
    })),
    signingKey: authority.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey)],
  })
  // RFC 7468 §6 and OpenSSL require this label.
  return list.toString('pem').replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL')
}

type Keys = webcrypto.CryptoKeyPair

function generateKeys(): Promise<Keys> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<Keys>
}

// Loaded on first use: it takes 250 ms, which tests that only need frames or a clock avoid.
async function loadLibrary(): Promise<Library> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0])
  return x509
}
