/**
 * TLS for one client: one handshake that offers every protocol (RFC 7301), the certificate read
 * once and kept, and sessions resumed only under the same name and options.
 */

import type { X509Certificate } from 'node:crypto'
import { isIP, type OnReadOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions, PeerCertificate, SecureContext, TLSSocket } from 'node:tls'
import { ConnectError, UsageError } from '../../errors/errors.js'
import type { Origin } from '../../message/origin.js'
import type { TlsInfo } from '../../message/tls-info.js'
import { BoundedCache } from '../../runtime/bounded-cache.js'
import type { ProtocolName } from '../../settings/pool-settings.js'
import type { Carrier, Certificate } from '../../transport/route.js'
import type { Target, TargetTls } from '../../transport/target.js'
import type { TcpEndpoint } from '../tcp/race.js'
import { SocketReads } from '../tcp/socket-reads.js'
import { Handshake } from './handshake.js'
import type { KeyLog } from './key-log.js'
import { nodeCrypto, nodeTls } from './node-tls.js'
import { contextOf, mayAuthenticate } from './secure-context.js'
import { tlsIdentity } from './tls-identity.js'
import type { TlsOptions } from './tls-options.js'

/**
 * Maximum number of stored tickets, each with the certificate of its full handshake: a resumed
 * session has none.
 */
const MAX_SESSIONS = 1_000
/** Errors of `net.connect` about an address or port, which are not TLS errors. */
const ENDPOINT_REFUSED = new Set(['ERR_INVALID_IP_ADDRESS', 'ERR_SOCKET_BAD_PORT'])

interface StoredSession {
  readonly ticket: Buffer
  readonly certificate: Certificate
}

/** A socket after its handshake. */
export interface SecureSocket {
  readonly socket: TLSSocket | Carrier
  /** The protocol that ALPN chose; `undefined` if the server does not support ALPN. */
  readonly protocol: string | undefined
  readonly certificate: Certificate | undefined
  readonly authorized: boolean
  readonly tls: TlsInfo | undefined
  /** The stream under `socket`, if it knows the addresses. */
  readonly carrier?: Carrier
  /** The shared-buffer reads of the socket, if it uses them. */
  readonly reads?: SocketReads | undefined
}

/** A socket whose handshake was made by this client. */
export interface SecuredHere extends SecureSocket {
  readonly socket: TLSSocket
}

/** Options of a TLS socket. Node's types declare `onread` for TCP only. */
type Start = ConnectionOptions & { readonly onread?: OnReadOpts | undefined }

/** Opens the TLS connections of one client, or of one pool: its options are one identity. */
export class TlsConnector implements TargetTls {
  readonly identity: string
  readonly #tls: Omit<TlsOptions, 'pins' | 'servername'>
  readonly #pins: readonly string[] | undefined
  readonly #servername: string | undefined
  readonly #keyLog: KeyLog | undefined
  readonly #sessions: BoundedCache<StoredSession> = new BoundedCache({ max: MAX_SESSIONS })
  #withoutRenegotiation: SecureContext | undefined
  #withRenegotiation: SecureContext | undefined

  /** @param tls options validated by `checkTls`. */
  constructor(options: TlsOptions, keyLog?: KeyLog) {
    const { pins, servername, ...tls } = options
    this.identity = tlsIdentity(options)
    // No prototype: a polluted `Object.prototype` must not change trust.
    this.#tls = { __proto__: null, ...tls } as TlsOptions
    this.#pins = pins
    this.#servername = servername
    this.#keyLog = keyLog
  }

  /**
   * Whether the client has a certificate: then the connection authenticates the client, and is not
   * shared.
   */
  get clientCertificate(): boolean {
    const { cert, key, pfx, secureContext } = this.#tls
    if (secureContext !== undefined && mayAuthenticate(secureContext)) return true
    return cert !== undefined || key !== undefined || pfx !== undefined
  }

  /**
   * Whether unverified servers are accepted: by the option, else by the environment variable, as in
   * Node. Decided only here, for full, resumed and shared connections.
   */
  get lenient(): boolean {
    return !(this.#tls.rejectUnauthorized ?? process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0')
  }

  /** Whether one name is asked of every server: then certificates prove nothing about other names. */
  get hasFixedName(): boolean {
    return this.#servername !== undefined
  }

  /** Verifies `origin` against a certificate, as for a new connection (RFC 9113 §9.1.1). */
  verify(origin: Origin, certificate: Certificate): Error | undefined {
    return this.#checkPins(origin, certificate) ?? this.#check(this.#servername ?? origin.host, certificate.peer)
  }

  /** Returns an error if the key of the server is not pinned. */
  #checkPins(origin: Origin, certificate: Certificate | undefined): ConnectError | undefined {
    if (this.#pins === undefined) return undefined
    const shown = certificate === undefined ? 'none' : pinOfKey(certificate.x509)
    if (this.#pins.includes(shown)) return undefined
    const { serialized } = origin
    const message = `the server's key sha256/${shown} is not one of the ${this.#pins.length} pinned keys`
    return new ConnectError('tls', message, { code: 'ERR_TLS_PIN', origin: serialized })
  }

  /**
   * Calls the identity check. If a user-supplied check throws, it refuses: during the handshake an
   * exception would crash the process.
   */
  #check(host: string, peer: PeerCertificate): Error | undefined {
    try {
      return (this.#tls.checkServerIdentity ?? nodeTls().checkServerIdentity)(host, peer)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  /**
   * Prepares the first handshake, which takes five milliseconds, while its caller waits for DNS.
   */
  prepare(): void {
    try {
      this.#h2Context()
    } catch {
      // The error is thrown again when a connection is opened.
    }
  }

  /**
   * Secures `socket`, offering `protocols` in this order.
   * @throws ConnectError phase `tls`, or `negotiate` if no protocol is in common.
   */
  async secure(
    socket: Duplex,
    target: Pick<Target, 'origin' | 'reuseKey'>,
    protocols: readonly ProtocolName[],
    signal: AbortSignal,
  ): Promise<SecuredHere> {
    return this.#begin({ socket }, target, protocols).finish(signal)
  }

  /**
   * Opens a socket to `endpoint` that starts TLS once connected. The caller waits for `connect`,
   * then finishes the handshake.
   * @throws UsageError if OpenSSL rejects the options; errors of `net.connect`.
   */
  open(
    endpoint: TcpEndpoint,
    target: Pick<Target, 'origin' | 'reuseKey'>,
    protocols: readonly ProtocolName[],
  ): Handshake<SecuredHere> {
    return this.#begin(endpoint, target, protocols)
  }

  #begin(
    on: TcpEndpoint | { readonly socket: Duplex },
    { origin, reuseKey }: Pick<Target, 'origin' | 'reuseKey'>,
    protocols: readonly ProtocolName[],
  ): Handshake<SecuredHere> {
    // Tickets are reused only for the same name, options and isolation, because a ticket identifies
    // the client.
    const ticketKey = `${origin.host} ${reuseKey}`
    const stored = this.#sessions.get(ticketKey)
    const carrier = 'socket' in on ? on.socket : undefined
    const reads = carrier === undefined ? new SocketReads() : undefined
    const secured = this.#start({ ...on, onread: reads?.onread }, origin, protocols, stored)
    // Listen before the handshake, as Node requests TLS 1.2 tickets only then; store only after it.
    let certificate: Certificate | undefined
    secured.on('session', (ticket: Buffer) => {
      if (certificate !== undefined) this.#sessions.set(ticketKey, { ticket, certificate })
    })
    if (this.#keyLog !== undefined) secured.on('keylog', (line: Buffer) => this.#keyLog!.write(line))
    const outcome = {
      secured: (): SecuredHere => {
        const result = this.#handshaken(secured, origin, stored)
        certificate = result.certificate
        return { ...result, reads }
      },
      failure: (cause: Error) => tlsError(origin, cause),
    }
    return new Handshake(secured, outcome, carrier, reads?.of(secured))
  }

  /**
   * @throws UsageError if OpenSSL rejects the options, e.g. a `ca` that is not a certificate;
   *   errors of `net.connect`.
   */
  #start(on: Start, origin: Origin, protocols: readonly ProtocolName[], stored: StoredSession | undefined): TLSSocket {
    try {
      return this.#connect(on, origin, protocols, stored)
    } catch (cause) {
      on.socket?.destroy()
      if (ENDPOINT_REFUSED.has((cause as NodeJS.ErrnoException).code ?? '')) throw cause
      throw new UsageError('ERR_INVALID_OPTION', `option tls: OpenSSL rejected it: ${(cause as Error).message}`, { cause })
    }
  }

  /**
   * RFC 9113 §9.2.1: HTTP/2 over TLS 1.2 MUST disable renegotiation. ALPN decides too late, so it
   * is disabled whenever HTTP/2 is offered.
   */
  #h2Context(): SecureContext {
    const secureOptions = (this.#tls.secureOptions ?? 0) | nodeCrypto().constants.SSL_OP_NO_RENEGOTIATION
    this.#withoutRenegotiation ??= contextOf({ __proto__: null, ...this.#tls, secureOptions } as TlsOptions)
    return this.#withoutRenegotiation
  }

  /**
   * Allows renegotiation, by which HTTP/1.1 servers request client certificates; a reason for
   * HTTP_1_1_REQUIRED.
   */
  #http1Context(): SecureContext {
    this.#withRenegotiation ??= contextOf(this.#tls)
    return this.#withRenegotiation
  }

  #connect(on: Start, origin: Origin, protocols: readonly ProtocolName[], stored: StoredSession | undefined): TLSSocket {
    const secureContext = protocols.includes('h2') ? this.#h2Context() : this.#http1Context()
    // RFC 6066 §3: a server name is not an IP address, and has no trailing dot.
    const servername = this.#servername ?? (isIP(origin.host) === 0 ? origin.host.replace(/\.$/, '') : '')
    const socket = nodeTls().connect({
      host: origin.host,
      ...this.#tls,
      ...on,
      // Node would check the name in `host`, which may be an address.
      checkServerIdentity: (_host, peer) => this.#check(servername === '' ? origin.host : servername, peer),
      secureContext,
      rejectUnauthorized: !this.lenient,
      servername,
      ALPNProtocols: [...protocols],
      ...(stored === undefined ? {} : { session: stored.ticket }),
    })
    // Node ignores `noDelay` for TLS sockets.
    if (on.socket === undefined) socket.setNoDelay(true)
    return socket
  }

  #handshaken(socket: TLSSocket, origin: Origin, stored: StoredSession | undefined): SecuredHere {
    const reused = socket.isSessionReused()
    const certificate = reused ? stored?.certificate : readCertificate(socket)
    let { authorized } = socket
    const foreign = this.#checkPins(origin, certificate)
    if (foreign !== undefined) throw foreign
    if (reused) {
      // Node skips the identity check for a resumed session: check the certificate of its full
      // handshake.
      const mismatch =
        certificate === undefined ? new Error('the session has no recorded certificate') : this.verify(origin, certificate)
      if (mismatch && !this.lenient) throw tlsError(origin, mismatch)
      if (mismatch) authorized = false
    }
    const { alpnProtocol } = socket
    const protocol = typeof alpnProtocol === 'string' ? alpnProtocol : undefined
    if (protocol === 'h2') refuseInadequate(socket, origin)
    return { socket, protocol, certificate, authorized, tls: tlsInfo(socket) }
  }
}

/**
 * Adopts a user-supplied socket that has finished TLS, read and written through `carrier`;
 * `undefined` if ALPN chose no protocol.
 * @throws ConnectError phase `negotiate` for a protocol that is not wanted, or HTTP/2 over
 *   inadequate TLS.
 */
export function adoptSecured(
  socket: Duplex,
  carrier: Carrier,
  origin: Origin,
  protocols: readonly ProtocolName[],
): SecureSocket | undefined {
  if (!(socket instanceof nodeTls().TLSSocket) || typeof socket.alpnProtocol !== 'string') return undefined
  const protocol = socket.alpnProtocol
  if (!(protocols as readonly string[]).includes(protocol)) {
    const { serialized } = origin
    const message = `the user-supplied socket negotiated ${JSON.stringify(protocol)}, not ${protocols.join(' or ')}`
    throw new ConnectError('negotiate', message, { origin: serialized })
  }
  if (protocol === 'h2') refuseInadequate(socket, origin)
  const tls = tlsInfo(socket)
  return { socket: carrier, protocol, certificate: readCertificate(socket), authorized: socket.authorized, tls }
}

/** Read once after the handshake, while the socket is open. `undefined` for the socket of a mock, which has no cipher. */
function tlsInfo(socket: TLSSocket): TlsInfo | undefined {
  const cipher: { readonly standardName: string } | undefined = socket.getCipher?.()
  if (cipher === undefined) return undefined
  const { name } = (socket.getEphemeralKeyInfo?.() ?? {}) as { name?: string }
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: cipher.standardName,
    group: name,
    resumed: socket.isSessionReused(),
  }
}

/**
 * RFC 9113 §9.2: HTTP/2 requires TLS 1.2 or later, and with 1.2 none of the cipher suites of
 * Appendix A: the others have ephemeral keys and authenticated encryption.
 * @throws ConnectError phase `negotiate`, code `ERR_INADEQUATE_SECURITY`, before anything is sent.
 */
function refuseInadequate(socket: TLSSocket, origin: Origin): void {
  const version = socket.getProtocol()
  const { standardName } = socket.getCipher()
  if (version === 'TLSv1.3' || (version === 'TLSv1.2' && MODERN_SUITE.test(standardName))) return
  const message = `the server chose HTTP/2 over ${version} with ${standardName}: INADEQUATE_SECURITY`
  throw new ConnectError('negotiate', message, { code: 'ERR_INADEQUATE_SECURITY', origin: origin.serialized })
}

const MODERN_SUITE = /^TLS_(EC)?DHE_.*_(GCM|CCM|CHACHA20)(_|$)/

/** In the format of OkHttp and curl: base64 of the SHA-256 of the DER SubjectPublicKeyInfo. */
function pinOfKey({ publicKey }: X509Certificate): string {
  return nodeCrypto()
    .createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}

/** Called once per socket: on Node 20 to 24 a second `getPeerCertificate` returns nothing. */
function readCertificate(socket: TLSSocket): Certificate | undefined {
  const peer: PeerCertificate = socket.getPeerCertificate()
  if (peer?.raw === undefined) return undefined
  let x509: X509Certificate | undefined
  return {
    peer,
    get x509(): X509Certificate {
      x509 ??= new (nodeCrypto().X509Certificate)(peer.raw)
      return x509
    },
  }
}

/** RFC 7301 §3.2: a server without a common protocol sends an alert. */
function tlsError(origin: Origin, cause: Error): ConnectError {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const phase = code.includes('NO_APPLICATION_PROTOCOL') ? 'negotiate' : 'tls'
  return new ConnectError(phase, `the TLS handshake failed: ${cause.message}`, { origin: origin.serialized, cause })
}
