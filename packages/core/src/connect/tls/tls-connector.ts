/**
 * TLS over a connected socket: one handshake that offers every protocol (RFC 7301), the certificate read once and kept, sessions
 * resumed only under the name and the options they were made with.
 */

import type { X509Certificate } from 'node:crypto'
import { isIP, type OnReadOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions, PeerCertificate, SecureContext, TLSSocket } from 'node:tls'
import { ConnectError, UsageError } from '../../errors/errors.js'
import type { Origin } from '../../message/origin.js'
import { BoundedCache } from '../../runtime/bounded-cache.js'
import type { ProtocolName } from '../../settings/pool-settings.js'
import type { Carrier, Certificate } from '../../transport/route.js'
import type { Target } from '../../transport/target.js'
import type { TcpEndpoint } from '../tcp/race.js'
import { SocketReads } from '../tcp/socket-reads.js'
import { Handshake } from './handshake.js'
import type { KeyLog } from './key-log.js'
import { nodeCrypto, nodeTls } from './node-tls.js'
import type { TlsOptions } from './tls-options.js'

/** Tickets kept, with the certificate of the handshake that brought them: a resumed session shows none. */
const MAX_SESSIONS = 1_000
/** What `net.connect` says of an address or a port, which is no matter of TLS. */
const ENDPOINT_REFUSED = new Set(['ERR_INVALID_IP_ADDRESS', 'ERR_SOCKET_BAD_PORT'])

interface StoredSession {
  readonly ticket: Buffer
  readonly certificate: Certificate
}

/** A socket after its handshake. */
export interface SecureSocket {
  readonly socket: TLSSocket | Carrier
  /** What ALPN chose; `undefined` where the server does not speak ALPN. */
  readonly protocol: string | undefined
  readonly certificate: Certificate | undefined
  readonly authorized: boolean
  /** What it runs on, where that knows the addresses. */
  readonly carrier?: Carrier
  /** How it is read, where not as a stream. */
  readonly reads?: SocketReads | undefined
}

/** One whose handshake was made here. */
export interface SecuredHere extends SecureSocket {
  readonly socket: TLSSocket
}

/** What a TLS socket begins on. Node's types know the last of these for TCP alone. */
type Start = ConnectionOptions & { readonly onread?: OnReadOpts | undefined }

/** Makes the TLS connections of one client: its options are one identity. */
export class TlsConnector {
  readonly #tls: Omit<TlsOptions, 'pins' | 'servername'>
  readonly #pins: readonly string[] | undefined
  readonly #servername: string | undefined
  readonly #keyLog: KeyLog | undefined
  readonly #sessions: BoundedCache<StoredSession> = new BoundedCache({ max: MAX_SESSIONS })
  #withoutRenegotiation: SecureContext | undefined
  #withRenegotiation: SecureContext | undefined

  /** @param tls after `checkTls`. */
  constructor({ pins, servername, ...tls }: TlsOptions, keyLog?: KeyLog) {
    // Without a prototype: what was put on `Object.prototype` decides nothing about trust.
    this.#tls = { __proto__: null, ...tls } as TlsOptions
    this.#pins = pins
    this.#servername = servername
    this.#keyLog = keyLog
  }

  /** Whether a client certificate would be shown: such a connection speaks for somebody, and is not shared. */
  get clientCertificate(): boolean {
    return this.#tls.cert !== undefined || this.#tls.key !== undefined || this.#tls.pfx !== undefined
  }

  /**
   * Whether a server that is not verified is taken as well: by the option, or where it says nothing by the environment, as in Node. The one place
   * that decides, for full, resumed and shared connections.
   */
  get lenient(): boolean {
    return !(this.#tls.rejectUnauthorized ?? process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0')
  }

  /** The client's own check of `origin` against a certificate: the one a new connection would pass (RFC 9113 §9.1.1). */
  verify(origin: Origin, certificate: Certificate): Error | undefined {
    return this.#checkPins(origin, certificate) ?? this.#check(this.#servername ?? origin.host, certificate.peer)
  }

  /** Whether the server's own key is one of those the client insists on. */
  #checkPins(origin: Origin, certificate: Certificate | undefined): ConnectError | undefined {
    if (this.#pins === undefined) return undefined
    const shown = certificate === undefined ? 'none' : pinOfKey(certificate.x509)
    if (this.#pins.includes(shown)) return undefined
    const { serialized } = origin
    const message = `the key of ${serialized} is not pinned: sha256/${shown} (${this.#pins.length} are)`
    return new ConnectError('tls', message, { code: 'ERR_TLS_PIN', origin: serialized })
  }

  /** A caller's own check that throws refuses: inside the handshake it would be an exception of the process. */
  #check(host: string, peer: PeerCertificate): Error | undefined {
    try {
      return (this.#tls.checkServerIdentity ?? nodeTls().checkServerIdentity)(host, peer)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  /** Loads and makes what the first handshake takes, five milliseconds of a process, while its caller waits for something else. */
  prepare(): void {
    try {
      this.#h2Context()
    } catch {
      // Options that OpenSSL refuses: who connects is told.
    }
  }

  /** Secures `socket` for `target`'s origin, offering `protocols` in this order. @throws ConnectError phase `tls`, or `negotiate` where no protocol is in common. */
  async secure(
    socket: Duplex,
    target: Pick<Target, 'origin' | 'reuseKey'>,
    protocols: readonly ProtocolName[],
    signal: AbortSignal,
  ): Promise<SecuredHere> {
    return this.#begin({ socket }, target, protocols).finish(signal)
  }

  /**
   * A socket that connects to `endpoint` and secures itself as soon as it has, which whoever has waited for `connect` finishes.
   * @throws UsageError for options that OpenSSL refuses; what `net.connect` throws.
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
    // Under the same name, the same options and the same isolation tag, and under no other: a ticket tells who was there before.
    const ticketKey = `${origin.host} ${reuseKey}`
    const stored = this.#sessions.get(ticketKey)
    const carrier = 'socket' in on ? on.socket : undefined
    const reads = carrier === undefined ? new SocketReads() : undefined
    const secured = this.#start({ ...on, onread: reads?.onread }, origin, protocols, stored)
    // Before the handshake, because Node asks OpenSSL for TLS 1.2 tickets only if somebody listens by then; used only after it.
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

  /** @throws UsageError for options that OpenSSL refuses, such as a `ca` that is no certificate; what `net.connect` throws of an endpoint. */
  #start(on: Start, origin: Origin, protocols: readonly ProtocolName[], stored: StoredSession | undefined): TLSSocket {
    try {
      return this.#connect(on, origin, protocols, stored)
    } catch (cause) {
      on.socket?.destroy()
      if (ENDPOINT_REFUSED.has((cause as NodeJS.ErrnoException).code ?? '')) throw cause
      throw new UsageError('ERR_INVALID_OPTION', `option tls is refused: ${(cause as Error).message}`, { cause })
    }
  }

  /** RFC 9113 §9.2.1: HTTP/2 over TLS 1.2 MUST disable renegotiation. ALPN decides too late, so wherever HTTP/2 is offered. */
  #h2Context(): SecureContext {
    const secureOptions = (this.#tls.secureOptions ?? 0) | nodeCrypto().constants.SSL_OP_NO_RENEGOTIATION
    this.#withoutRenegotiation ??= nodeTls().createSecureContext({ __proto__: null, ...this.#tls, secureOptions } as TlsOptions)
    return this.#withoutRenegotiation
  }

  /** HTTP/1.1 servers ask for client certificates by it: one more reason to send HTTP_1_1_REQUIRED. */
  #http1Context(): SecureContext {
    this.#withRenegotiation ??= nodeTls().createSecureContext(this.#tls)
    return this.#withRenegotiation
  }

  #connect(on: Start, origin: Origin, protocols: readonly ProtocolName[], stored: StoredSession | undefined): TLSSocket {
    const secureContext = protocols.includes('h2') ? this.#h2Context() : this.#http1Context()
    // RFC 6066 §3: an address is no server name, and a name stands without a trailing dot.
    const servername = this.#servername ?? (isIP(origin.host) === 0 ? origin.host.replace(/\.$/, '') : '')
    const socket = nodeTls().connect({
      host: origin.host,
      ...this.#tls,
      ...on,
      // Of whom the socket leads to Node knows an address at most.
      checkServerIdentity: (_host, peer) => this.#check(servername === '' ? origin.host : servername, peer),
      secureContext,
      rejectUnauthorized: !this.lenient,
      servername,
      ALPNProtocols: [...protocols],
      ...(stored === undefined ? {} : { session: stored.ticket }),
    })
    // Node passes that option on to no TLS socket.
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
      // Node skips the identity check on a resumed session, so it is made here, on the certificate of the first handshake.
      const mismatch = certificate === undefined ? new Error('no recorded certificate') : this.verify(origin, certificate)
      if (mismatch && !this.lenient) throw tlsError(origin, mismatch)
      if (mismatch) authorized = false
    }
    const { alpnProtocol } = socket
    const protocol = typeof alpnProtocol === 'string' ? alpnProtocol : undefined
    if (protocol === 'h2') refuseInadequate(socket, origin)
    return { socket, protocol, certificate, authorized }
  }
}

/**
 * A socket whose handshake the caller has made, `carrier` being what it is read and written by; `undefined` where it has none that chose a
 * protocol. @throws ConnectError phase `negotiate` for a protocol that is not wanted, or HTTP/2 over inadequate TLS.
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
    const message = `the socket that was given for ${serialized} speaks ${JSON.stringify(protocol)}, not ${protocols.join(' or ')}`
    throw new ConnectError('negotiate', message, { origin: serialized })
  }
  if (protocol === 'h2') refuseInadequate(socket, origin)
  return { socket: carrier, protocol, certificate: readCertificate(socket), authorized: socket.authorized }
}

/**
 * RFC 9113 §9.2: HTTP/2 over TLS needs version 1.2 or more, and of 1.2 no suite of Appendix A: what is left has ephemeral keys and
 * authenticated encryption. @throws ConnectError phase `negotiate`, code `ERR_INADEQUATE_SECURITY`, before anything is sent.
 */
function refuseInadequate(socket: TLSSocket, origin: Origin): void {
  const version = socket.getProtocol()
  const { standardName } = socket.getCipher()
  if (version === 'TLSv1.3' || (version === 'TLSv1.2' && MODERN_SUITE.test(standardName))) return
  const message = `HTTP/2 over ${version} with ${standardName} is INADEQUATE_SECURITY: ${origin.serialized} chose both`
  throw new ConnectError('negotiate', message, { code: 'ERR_INADEQUATE_SECURITY', origin: origin.serialized })
}

const MODERN_SUITE = /^TLS_(EC)?DHE_.*_(GCM|CCM|CHACHA20)(_|$)/

/** As OkHttp and curl write it: base64 of SHA-256 of the DER of SubjectPublicKeyInfo. */
function pinOfKey({ publicKey }: X509Certificate): string {
  return nodeCrypto()
    .createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}

/** Read once: on Node 20 to 24 a second question to the socket is answered with nothing. */
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

/** RFC 7301 §3.2: a server without a protocol in common says so with an alert. */
function tlsError(origin: Origin, cause: Error): ConnectError {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const phase = code.includes('NO_APPLICATION_PROTOCOL') ? 'negotiate' : 'tls'
  return new ConnectError(phase, `TLS with ${origin.serialized} failed: ${cause.message}`, { origin: origin.serialized, cause })
}
