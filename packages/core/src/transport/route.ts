/** How a connection was made: address, certificate and TLS identity. Decides which origins the connection may serve. */

import type { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { PeerCertificate } from 'node:tls'
import type { Origin } from '../message/origin.js'

/** An address that was, or may be, connected to. */
export interface Address {
  /** IPv4 or IPv6, as text. */
  readonly address: string
  readonly family: 4 | 6
}

/** The certificate a server has shown, read once when the handshake ended and kept (a socket answers only once). */
export interface Certificate {
  /** As `tls.checkServerIdentity` takes it. */
  readonly peer: PeerCertificate
  /** For the strict checks. Parsed at first use. */
  readonly x509: X509Certificate
}

/** What a connection runs on: a socket, or a tunnel that looks like one. */
export interface Carrier extends Duplex {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  /** Keeps the process alive while it is open. */
  ref(): unknown
  unref(): unknown
}

/** How a connection was made: everything that decides whom it may serve. */
export interface Route {
  /** The origin it was dialed for. */
  readonly origin: Origin
  /** TLS identity, proxy, isolation and local address: must be equal for any reuse. */
  readonly reuseKey: string
  /** The name of the proxy it leads through, without credentials. Then the addresses are the proxy's, and say nothing about the origin. */
  readonly proxy: string | undefined
  /** The address and port that the socket is connected to; `undefined` where there is no such thing, as under an interceptor. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  /** What the origin's host had resolved to when it was dialed; empty where nothing was: behind a proxy, on a socket of the caller's. */
  readonly addresses: readonly Address[]
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /** `undefined` without TLS, and where a resumed session has no recorded one. */
  readonly certificate: Certificate | undefined
  /** The TLS peer was verified against the trusted authorities. */
  readonly authorized: boolean
  /** A peer that is not verified would have been taken as well: `rejectUnauthorized` is false. */
  readonly lenient: boolean
  /** The client has shown a certificate of its own, or was ready to. */
  readonly clientCertificate: boolean
}
