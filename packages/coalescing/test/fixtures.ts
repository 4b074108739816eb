// Connections, dials and targets as the pool would present them, with real certificates. One
// authority per test file.
import { X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { checkServerIdentity, connect, createServer } from 'node:tls'
import {
  type Address,
  type Certificate,
  type Connection,
  type ConnectionState,
  type Dial,
  type Origin,
  parseOrigin,
  type Route,
  type Target,
} from '@unshard/core'
import { type Authority, type CertificateOptions, type Credentials, createAuthority } from '@unshard/testkit'

let authority: Promise<Authority> | undefined

export function theAuthority(): Promise<Authority> {
  authority ??= createAuthority()
  return authority
}

/** Creates a certificate record as of a connection, without a handshake. */
export function recorded(certificate: string | Buffer): Certificate {
  const x509 = new X509Certificate(certificate)
  return { x509, peer: x509.toLegacyObject() as unknown as Certificate['peer'] }
}

/** Issues and records a certificate. A string is one DNS name. */
export async function certificateFor(...names: (string | Omit<CertificateOptions, 'names'>)[]): Promise<Certificate> {
  const options = names.filter((name) => typeof name !== 'string')
  const dnsNames = names.filter((name) => typeof name === 'string')
  const { cert } = await (await theAuthority()).issue(Object.assign({ names: dnsNames }, ...options))
  return recorded(cert)
}

/** Returns the certificate that core records in a real handshake on loopback. */
export async function handshake(credentials: Credentials, servername: string): Promise<Certificate & { authorized: boolean }> {
  const { ca } = await theAuthority()
  const server = createServer({ ...credentials, ALPNProtocols: ['h2'] })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    return await new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, servername, ca, ALPNProtocols: ['h2'] })
      socket.once('error', reject)
      socket.once('secureConnect', () => {
        const peer = socket.getPeerCertificate()
        const { authorized } = socket
        socket.once('close', () => resolve({ peer, x509: new X509Certificate(peer.raw), authorized }))
        socket.destroy()
      })
    })
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

export function addresses(...texts: string[]): Address[] {
  return texts.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
}

export interface ConnectionSettings extends Partial<Omit<Route, 'origin' | 'addresses'>> {
  /** Default `https://a.example.com`. */
  readonly origin?: string
  readonly protocol?: Connection['protocol']
  readonly state?: ConnectionState
  readonly capacity?: number
  readonly active?: number
  readonly confirmed?: boolean
  /** Addresses that A's host had resolved to. Default: the connected address. */
  readonly resolved?: readonly string[]
  readonly originSet?: readonly string[]
}

/**
 * Default address of connections: a public one, since the documentation ranges are not. Nothing is
 * ever sent there.
 */
export const HERE = '93.184.216.1'

let lastId = 0

/** An open, idle, authorized h2 connection to {@link HERE}. */
export function connectionTo(certificate: Certificate | undefined, settings: ConnectionSettings = {}): Connection {
  const {
    origin = 'https://a.example.com',
    protocol = 'h2',
    state = 'open',
    capacity = 100,
    active = 0,
    confirmed = true,
    resolved = settings.proxy === undefined ? [settings.remoteAddress ?? HERE] : [],
    originSet,
    ...route
  } = settings
  const parsed = parseOrigin(origin)
  const unused = (): never => {
    throw new Error('a policy only looks')
  }
  return {
    id: ++lastId,
    protocol,
    state,
    closed: Promise.resolve(),
    capacity,
    active,
    originSet: originSet === undefined ? undefined : new Set(originSet.map((text) => parseOrigin(text).serialized)),
    route: {
      origin: parsed,
      reuseKey: 'key',
      proxy: undefined,
      remoteAddress: HERE,
      remotePort: parsed.port,
      localAddress: '192.168.0.99',
      localPort: 50_000,
      certificate,
      authorized: true,
      lenient: false,
      addresses: addresses(...resolved),
      clientCertificate: false,
      ...route,
    },
    confirmed,
    verifying: false,
    verify: unused,
    removeOrigin: unused,
    request: unused,
    ping: unused,
    close: unused,
    destroy: unused,
    onChange: undefined,
  }
}

/**
 * Through a `URL`: text goes through `URL.canParse`, which on Node 20, once optimized, refuses
 * U+0080 to U+00FF.
 */
export function originOf(text: string): Origin | undefined {
  try {
    return parseOrigin(new URL(text))
  } catch {
    return undefined
  }
}

export interface TargetSettings {
  readonly addresses?: readonly string[] | undefined
  readonly reuseKey?: string
  /** Name of a proxy; there are no addresses then. */
  readonly proxy?: string
  readonly verify?: (host: string, certificate: Certificate) => Error | undefined
}

/** A target resolved to {@link HERE} and checked by `tls.checkServerIdentity` by default. */
export function targetFor(url: string | Origin, settings: TargetSettings = {}): Target {
  const origin = typeof url === 'string' ? parseOrigin(url) : url
  const { reuseKey = 'key', verify = (host, { peer }) => checkServerIdentity(host, peer) } = settings
  const { proxy, addresses: resolved = 'addresses' in settings ? undefined : proxy === undefined ? [HERE] : [] } = settings
  return {
    origin,
    reuseKey,
    proxy: proxy === undefined ? undefined : { name: proxy, key: proxy },
    dialKey: `${origin.serialized} ${reuseKey}`,
    ...(resolved === undefined ? {} : { addresses: addresses(...resolved) }),
    verify: (certificate) => verify(origin.host, certificate),
  }
}

export interface DialSettings {
  readonly origin?: string
  readonly reuseKey?: string
  readonly addresses?: readonly string[]
  readonly port?: number
}

/** A dial to {@link HERE}. */
export function dialTo(settings: DialSettings = {}): Dial {
  const origin = parseOrigin(settings.origin ?? 'https://a.example.com')
  return {
    origin,
    reuseKey: settings.reuseKey ?? 'key',
    addresses: addresses(...(settings.addresses ?? [HERE])),
    port: settings.port ?? origin.port,
  }
}
