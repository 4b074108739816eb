/** From an origin and its addresses to a connection that takes requests: TCP race, TLS with ALPN, engine. One deadline for all. */

import { type LookupFunction, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ConnectError, TimeoutError } from '../errors/errors.js'
import type { H2Options } from '../h2/connection-options.js'
import type { LocalSettings } from '../h2/protocol/settings.js'
import { WindowBudget } from '../h2/protocol/window.js'
import type { Origin } from '../message/origin.js'
import type { Clock } from '../runtime/clock.js'
import { type ProtocolName, resolvePoolSettings, socketPathOf } from '../settings/pool-settings.js'
import type { Connection } from '../transport/connection.js'
import type { Address, Carrier, Route } from '../transport/route.js'
import type { PoolTarget, TargetProxy } from '../transport/target.js'
import { negotiate } from './alpn/negotiate.js'
import { ProtocolMemory } from './alpn/protocol-memory.js'
import { AddressMemory } from './dns/address-order.js'
import { type Resolution, Resolver } from './dns/resolver.js'
import { forwards, ProxyDialer } from './proxy/proxy-dialer.js'
import type { ProxyServer } from './proxy/proxy-options.js'
import type { ProxyChoice } from './proxy/proxy-selector.js'
import type { CallerSocket, CallerSockets, TakenSocket } from './tcp/caller-sockets.js'
import { type RaceOptions, race } from './tcp/race.js'
import { connectUnix } from './tcp/unix-socket.js'
import type { Handshake } from './tls/handshake.js'
import { KeyLog, type KeyLogTarget } from './tls/key-log.js'
import { adoptSecured, type SecureSocket, TlsConnector } from './tls/tls-connector.js'
import { tlsIdentity } from './tls/tls-identity.js'
import type { TlsOptions } from './tls/tls-options.js'

/** The options of a client that connecting depends on. */
export interface ConnectOptions {
  readonly tls: TlsOptions
  /** Where secrets of TLS connections go, to origins and to proxies. */
  readonly keyLog: KeyLogTarget | undefined
  /** Which origin is reached through which proxy; `undefined` where none is. */
  readonly proxy: ProxyChoice | undefined
  readonly lookup: LookupFunction | undefined
  readonly lookupTtlMs: number
  /** Sockets that the caller has connected already. */
  readonly sockets: CallerSockets | undefined
  /** Asked in place of dialing. */
  readonly connections?: ((target: PoolTarget) => Connection | Promise<Connection>) | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /** Idle time after which TCP keepalive begins on dialed sockets, milliseconds; `undefined` for none. */
  readonly keepAliveMs: number | undefined
  readonly timeouts: { readonly connect: number }
  readonly idleTimeoutMs: number
  readonly streamWindowBytes: number
  readonly connectionWindowBytes: number
  readonly windowBudgetBytes: number
  readonly maxFieldSectionBytes: number
  readonly clock: Clock
}

/** Events of a dial. */
export interface ConnectProgress {
  /** An address is being tried. */
  onAttempt(address: Address): void
  /** TCP is connected; with TLS the handshake follows. */
  onTcpConnected(): void
}

/** Where no name is resolved. */
const NOTHING: Resolution = { addresses: [], expiresAt: Number.POSITIVE_INFINITY }

/** Makes the connections of one client. */
export class Connector {
  readonly #options: ConnectOptions
  readonly #resolver: Resolver
  readonly #addresses: AddressMemory
  readonly #tls: TlsConnector
  readonly #memory: ProtocolMemory
  readonly #h2: Omit<H2Options, 'pool' | 'record'>
  readonly #proxies: ProxyDialer
  readonly #keyLog: KeyLog | undefined
  readonly #identity: string
  /** Routes of sockets that the caller has connected. */
  readonly #brought = new WeakSet<Route>()

  constructor(options: ConnectOptions) {
    this.#options = options
    this.#resolver = new Resolver(options.lookup, options.lookupTtlMs, options.clock, options.timeouts.connect)
    this.#addresses = new AddressMemory(options.clock)
    this.#keyLog = options.keyLog === undefined ? undefined : new KeyLog(options.keyLog)
    this.#tls = new TlsConnector(options.tls, this.#keyLog)
    this.#memory = new ProtocolMemory(options.clock)
    this.#identity = `${tlsIdentity(options.tls)}|${options.localAddress ?? ''}|${options.localPort ?? ''}`
    const settings: LocalSettings = {
      initialWindowBytes: options.streamWindowBytes,
      connectionWindowBytes: options.connectionWindowBytes,
      headerTableBytes: 4_096,
      maxFieldSectionBytes: options.maxFieldSectionBytes,
    }
    this.#h2 = { settings, budget: new WindowBudget(options.windowBudgetBytes), clock: options.clock }
    const { localAddress, localPort, idleTimeoutMs } = options
    const h2 = { ...this.#h2, pool: resolvePoolSettings({}) }
    const common = {
      resolver: this.#resolver,
      addresses: this.#addresses,
      keyLog: this.#keyLog,
      keepAliveMs: options.keepAliveMs,
    }
    this.#proxies = new ProxyDialer({ ...common, h2, localAddress, localPort, idleTimeoutMs })
  }

  /** The part of an origin's reuse key that this client's options make. With a server name of the caller's, names prove nothing: each origin has its own. */
  identityOf({ serialized }: Origin): string {
    return this.#options.tls.servername === undefined ? this.#identity : `${this.#identity}|for ${serialized}`
  }

  /** The proxy that an origin is reached through. @throws UsageError where the caller's function gives no answer that is one. */
  proxyOf(origin: Origin): TargetProxy | undefined {
    return this.#options.proxy?.(origin)
  }

  /** Ends dialing: connections to proxies close with the last tunnel on them. */
  close(): void {
    this.#proxies.close()
    this.#keyLog?.close()
  }

  /** The client's own check of an origin against a certificate. */
  verify(origin: Origin, certificate: NonNullable<Route['certificate']>): Error | undefined {
    return this.#tls.verify(origin, certificate)
  }

  /**
   * Addresses of a target's host, in the order to try them: none where a proxy is asked, because then nobody here may ask for them, a Unix socket,
   * or the caller's only one. TLS is made ready meanwhile. @throws ConnectError phase `resolve`; TimeoutError phase `connect`.
   */
  async resolve(target: PoolTarget): Promise<Resolution> {
    if (this.#options.connections !== undefined) return NOTHING
    const { origin, proxy } = target
    if (proxy !== undefined || socketPathOf(target) !== undefined || this.#options.sockets?.needsNoAddress === true)
      return NOTHING
    if (target.pinned !== undefined) return { addresses: [target.pinned], expiresAt: Number.POSITIVE_INFINITY }
    try {
      const resolving = this.#resolver.resolve(origin.host)
      if (origin.scheme === 'https') this.#tls.prepare()
      const { addresses, expiresAt } = await resolving
      return { addresses: this.#addresses.order(origin.host, origin.port, addresses), expiresAt }
    } catch (error) {
      throw withOrigin(error, origin.serialized)
    }
  }

  /** The resolver is asked again for what a target leads to, its proxy as well: what is known has been used for long enough. */
  forget({ origin, proxy }: PoolTarget): void {
    const { host, port } = (proxy as ProxyServer | undefined) ?? origin
    this.#resolver.forget(host)
    this.#addresses.forget(host, port)
    // SOCKS may have asked for the origin as well.
    if (proxy !== undefined) this.#resolver.forget(origin.host)
  }

  /** The protocol of a target, as far as it is known without a handshake. */
  knownProtocol(target: PoolTarget): string | undefined {
    if (target.http1Only === true) return 'http/1.1'
    if (target.origin.scheme === 'http') return target.settings.cleartextProtocol
    return this.#memory.known(target.dialKey)
  }

  /**
   * Connects to one of `addresses`; `signal` ends it, and nothing else does: how long to wait is for those who do.
   * @throws ConnectError; the reason of `signal`.
   */
  async connect(
    target: PoolTarget,
    addresses: readonly Address[],
    progress: ConnectProgress,
    signal: AbortSignal,
  ): Promise<Connection> {
    if (signal.aborted) throw signal.reason
    const connection = await this.#dial(target, addresses, progress, signal)
    if (!signal.aborted) return connection
    // Ended while the engine was being loaded: a connection that no request waits for is not left open.
    connection.destroy(new Error('the dial was ended'))
    throw signal.reason
  }

  /** The server at the other end of a connection has answered: its address is tried first from now on. */
  proved(route: Route): void {
    const { origin, remoteAddress } = route
    if (this.#wasChosen(route)) this.#addresses.won(origin.host, origin.port, remoteAddress!)
  }

  /** A connection was of no use, or its server is late: other addresses of the name come first for a while. */
  disproved(route: Route): void {
    const { origin, remoteAddress } = route
    if (this.#wasChosen(route)) this.#addresses.demote(origin.host, origin.port, remoteAddress!)
  }

  async #dial(
    target: PoolTarget,
    addresses: readonly Address[],
    progress: ConnectProgress,
    signal: AbortSignal,
  ): Promise<Connection> {
    if (this.#options.connections !== undefined) return this.#options.connections(target)
    const { origin } = target
    const taken = this.#given(target, addresses)
    const given = taken?.socket
    if (taken?.address !== undefined) progress.onAttempt(taken.address)
    // Without an address, it is not known where the origin leads.
    const known = given === undefined || taken?.address !== undefined ? addresses : []
    const carry = (): Promise<Carrier> => this.#carry(target, given, addresses, progress, signal)
    if (origin.scheme === 'http') {
      // Made by the choice of this client's options, and by nothing else.
      const proxy = target.proxy as ProxyServer | undefined
      const protocol = target.http1Only === true ? 'http/1.1' : target.settings.cleartextProtocol
      const forwarded = proxy !== undefined && protocol === 'http/1.1' && forwards(proxy)
      const socket = forwarded ? await this.#proxies.forward(proxy, target, signal) : await carry()
      const route = this.#route(socket, target, undefined, known, given)
      return negotiate(socket, protocol, route, target, this.#h2, forwarded ? proxy.fields : undefined)
    }
    const direct = given === undefined && target.proxy === undefined && socketPathOf(target) === undefined
    const start = direct
      ? (protocols: readonly ProtocolName[]) => this.#open(target, addresses, protocols, progress, signal)
      : (protocols: readonly ProtocolName[]) => this.#secureCarrier(target, carry, protocols, signal)
    const secured = this.#adopt(given, target) ?? (await this.#secure(target, start))
    const route = this.#route(secured.carrier ?? secured.socket, target, secured, known, given)
    return negotiate(secured.socket, secured.protocol, route, target, { ...this.#h2, reads: secured.reads })
  }

  /** A carrier of bytes to the origin. */
  async #carry(
    target: PoolTarget,
    given: CallerSocket | undefined,
    addresses: readonly Address[],
    progress: ConnectProgress,
    signal: AbortSignal,
  ): Promise<Carrier> {
    if (target.proxy !== undefined) return this.#proxies.tunnel(target.proxy as ProxyServer, target, signal)
    const { origin } = target
    const path = socketPathOf(target)
    if (given === undefined && path === undefined) return race(this.#raceOptions(origin, addresses, progress, signal))
    const socket = given ?? (await connectUnix(path!, origin.serialized, signal))
    progress.onTcpConnected()
    return socket
  }

  /** A socket that the caller has connected, for an origin that is reached by TCP and by no proxy. */
  #given(target: PoolTarget, addresses: readonly Address[]): TakenSocket | undefined {
    if (target.proxy !== undefined || socketPathOf(target) !== undefined) return undefined
    return this.#options.sockets?.take(target.origin, addresses)
  }

  /** One that the caller has secured as well. */
  #adopt(given: CallerSocket | undefined, target: PoolTarget): SecureSocket | undefined {
    if (given === undefined) return undefined
    const http1Only = this.knownProtocol(target) === 'http/1.1'
    try {
      return adoptSecured(given.given, given, target.origin, http1Only ? ['http/1.1'] : target.settings.protocols)
    } catch (error) {
      given.destroy()
      throw error
    }
  }

  /** TCP and TLS to the first address that completes both: TLS begins as soon as TCP is connected. */
  async #open(
    target: PoolTarget,
    addresses: readonly Address[],
    protocols: readonly ProtocolName[],
    progress: ConnectProgress,
    signal: AbortSignal,
  ): Promise<SecureSocket> {
    const handshakes = new Map<Socket, Handshake<SecureSocket>>()
    return race({
      ...this.#raceOptions(target.origin, addresses, progress, signal),
      open: (endpoint) => {
        const handshake = this.#tls.open(endpoint, target, protocols)
        handshakes.set(handshake.socket, handshake)
        return handshake.socket
      },
      complete: (socket, stop) => handshakes.get(socket)!.finish(stop),
    })
  }

  /** TLS on what `carry` brings. */
  async #secureCarrier(
    target: PoolTarget,
    carry: () => Promise<Carrier>,
    protocols: readonly ProtocolName[],
    signal: AbortSignal,
  ): Promise<SecureSocket> {
    const carrier = await carry()
    const secured = await this.#tls.secure(carrier, target, protocols, signal)
    if (!(carrier instanceof Socket)) carryOn(carrier, secured.socket)
    return { ...secured, carrier }
  }

  /** TLS, offering what the origin may speak. */
  #secure(target: PoolTarget, secure: (protocols: readonly ProtocolName[]) => Promise<SecureSocket>): Promise<SecureSocket> {
    // A server that has chosen HTTP/1.1 is offered nothing else while that is remembered.
    const { protocols } = target.settings
    const http1Only = this.knownProtocol(target) === 'http/1.1' && protocols.includes('http/1.1')
    const again = (): Promise<SecureSocket> => this.#memory.resolve(target.dialKey, this.#adequate(target, secure))
    if (!http1Only) return again()
    return secure(['http/1.1']).catch((error: unknown) => {
      // RFC 7301 §3.2: what the server chose once it speaks no more. It is asked again with all there is.
      if (!(error instanceof ConnectError) || error.phase !== 'negotiate' || target.http1Only === true) throw error
      this.#memory.forget(target.dialKey)
      return again()
    })
  }

  /** RFC 9113 §9.2.2: a server that chooses HTTP/2 with a suite that is not good enough for it may still be spoken to over HTTP/1.1. */
  #adequate(target: PoolTarget, secure: (protocols: readonly ProtocolName[]) => Promise<SecureSocket>): Promise<SecureSocket> {
    const { protocols } = target.settings
    return secure(protocols).catch((error: unknown) => {
      const inadequate = error instanceof ConnectError && error.code === 'ERR_INADEQUATE_SECURITY'
      if (!inadequate || !protocols.includes('http/1.1')) throw error
      return secure(['http/1.1']).catch(() => {
        throw error
      })
    })
  }

  #raceOptions(
    origin: Origin,
    addresses: readonly Address[],
    progress: ConnectProgress,
    signal: AbortSignal,
  ): Omit<RaceOptions<never>, 'open' | 'complete'> {
    const { clock, localAddress, localPort, keepAliveMs } = this.#options
    const { serialized, host, port } = origin
    return {
      ...{ addresses, inOrder: true, port, origin: serialized, localAddress, localPort, keepAliveMs, clock, signal },
      memory: { known: this.#addresses, host },
      onAttempt: (address) => progress.onAttempt(address),
      onConnected: () => progress.onTcpConnected(),
    }
  }

  #route(
    carrier: Carrier,
    target: PoolTarget,
    secured: SecureSocket | undefined,
    addresses: readonly Address[],
    given: CallerSocket | undefined,
  ): Route {
    const route: Route = {
      origin: target.origin,
      reuseKey: target.reuseKey,
      proxy: target.proxy?.name,
      remoteAddress: carrier.remoteAddress,
      remotePort: carrier.remotePort,
      addresses,
      localAddress: carrier.localAddress,
      localPort: carrier.localPort,
      certificate: secured?.certificate,
      authorized: secured?.authorized ?? false,
      lenient: this.#tls.lenient,
      clientCertificate: secured !== undefined && this.#tls.clientCertificate,
    }
    if (given !== undefined) this.#brought.add(route)
    return route
  }

  /** Whether its address was chosen here among those of the origin: not by a proxy, nor by a caller that has connected the socket. */
  #wasChosen(route: Route): boolean {
    const { addresses, proxy, remoteAddress } = route
    return addresses.length > 0 && proxy === undefined && remoteAddress !== undefined && !this.#brought.has(route)
  }
}

/** Node asks a socket's handle whether the process is kept alive, and a tunnel has none; of its errors Node makes a plain end. */
function carryOn(carrier: Carrier, socket: TLSSocket): void {
  socket.ref = () => {
    carrier.ref()
    return socket
  }
  socket.unref = () => {
    carrier.unref()
    return socket
  }
  carrier.once('error', (error: Error) => socket.destroy(error))
}

/** A name is resolved once for all who ask; each hears about its own origin. */
function withOrigin(error: unknown, origin: string): unknown {
  if (error instanceof TimeoutError) return new TimeoutError(error.phase, error.ms, { origin, processed: 'no' })
  if (error instanceof ConnectError) return new ConnectError(error.phase, error.message, { origin, cause: error.cause })
  return error
}
