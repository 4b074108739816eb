/**
 * How a connection was made: address, certificate and TLS identity. Decides which origins it may
 * serve.
 */

import type { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { PeerCertificate } from 'node:tls'
import type { Origin } from '../message/origin.js'
import type { TlsInfo } from '../message/tls-info.js'

/** The address of a peer, connected or not. */
export interface Address {
  /** IPv4 or IPv6 in text form. */
  readonly address: string
  readonly family: 4 | 6
}

/**
 * The certificate of a server. Read once after the handshake, because a socket returns it only
 * once.
 */
export interface Certificate {
  /** In the format for `tls.checkServerIdentity`. */
  readonly peer: PeerCertificate
  /** For strict checks. Parsed on first use. */
  readonly x509: X509Certificate
}

/** The stream under a connection: a socket, or a tunnel with the same interface. */
export interface Carrier extends Duplex {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  /** Keeps the process alive while open. */
  ref(): unknown
  unref(): unknown
}

/** How a connection was made: decides which origins it may serve. */
export interface Route {
  /** The origin the connection was dialed for. */
  readonly origin: Origin
  /** TLS identity, proxy, isolation and local address: must be equal for any reuse. */
  readonly reuseKey: string
  /** The isolation of its requests, if any. */
  readonly isolation?: string | undefined
  /**
   * The name of the proxy, without credentials. With a proxy, the remote address is the proxy's.
   */
  readonly proxy: string | undefined
  /**
   * The address and port of the peer; `undefined` for sockets without one, such as mocks.
   */
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  /**
   * The addresses of the origin's host when it was dialed; empty if it was not resolved: behind a
   * proxy, or with a user-supplied socket.
   */
  readonly addresses: readonly Address[]
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /** `undefined` without TLS, or if a resumed session has no recorded certificate. */
  readonly certificate: Certificate | undefined
  /** The results of the TLS handshake; `undefined` without TLS. */
  readonly tls?: TlsInfo | undefined
  /** Whether the peer was verified against the trusted authorities. */
  readonly authorized: boolean
  /** Whether an unverified peer would have been accepted: `rejectUnauthorized` is false. */
  readonly lenient: boolean
  /** Whether the client presented a certificate, or was ready to. */
  readonly clientCertificate: boolean
}
