/**
 * Turns an origin and its addresses into a connection that takes requests: TCP race, TLS with ALPN,
 * protocol engine. The caller sets one deadline for all steps.
 */

import { Socket } from 'node:net'
import { traceBytes } from '../diagnostics/byte-trace.js'
import { Diagnostics } from '../diagnostics/diagnostics.js'
import type { H2Options } from '../h2/connection-options.js'
import type { LocalSettings } from '../h2/protocol/settings.js'
import { WindowBudget } from '../h2/protocol/window.js'
import type { Origin } from '../message/origin.js'
import type { ProtocolName } from '../settings/pool-settings.js'
import { resolvePoolSettings, socketPathOf } from '../settings/pool-settings.js'
import type { Connection } from '../transport/connection.js'
import type { Address, Carrier, Route } from '../transport/route.js'
import type { PoolTarget, TargetProxy, TargetTls } from '../transport/target.js'
import { allowedAddresses, checkTarget, forbidden, isForbidden } from './address-guard.js'
import { negotiate } from './alpn/negotiate.js'
import { secureOffering } from './alpn/offer.js'
import { ProtocolMemory } from './alpn/protocol-memory.js'
import type { ConnectOptions, ConnectProgress } from './connect-options.js'
import { AddressMemory } from './dns/address-order.js'
import type { Resolution } from './dns/resolver.js'
import { Resolver, withOrigin } from './dns/resolver.js'
import { resolveTraced } from './dns/traced-lookup.js'
import { preferOther } from './overtaken.js'
import { forwards, ProxyDialer } from './proxy/proxy-dialer.js'
import type { ProxyServer } from './proxy/proxy-options.js'
import { routeOf } from './route-of.js'
import type { CallerSocket, TakenSocket } from './tcp/caller-sockets.js'
import type { RaceOptions } from './tcp/race.js'
import { race } from './tcp/race.js'
import { connectUnix } from './tcp/unix-socket.js'
import type { Handshake } from './tls/handshake.js'
import { carryOn } from './tls/handshake.js'
import { KeyLog } from './tls/key-log.js'
import type { SecureSocket } from './tls/tls-connector.js'
import { adoptSecured, TlsConnector } from './tls/tls-connector.js'
import type { TlsOptions } from './tls/tls-options.js'

/** The resolution of a target whose name is not resolved. */
const NOTHING: Resolution = { addresses: [], expiresAt: Number.POSITIVE_INFINITY }

/** One dial. */
interface Attempt {
  readonly target: PoolTarget
  /** Addresses to try. */
  readonly addresses: readonly Address[]
  /** Addresses the connection may lead to; empty if unknown. */
  readonly reached: readonly Address[]
  /** A socket connected by the caller. */
  readonly given: CallerSocket | undefined
  readonly progress: ConnectProgress
  readonly signal: AbortSignal
}

/** A socket that is ready for an engine. */
interface StartedSocket {
  readonly socket: Carrier
  readonly protocol: string | undefined
  readonly reads?: SecureSocket['reads']
}

/** Dials the connections of one client. */
export class Connector {
  readonly #options: ConnectOptions
  readonly #diagnostics: Diagnostics
  readonly #resolver: Resolver
  readonly #addresses: AddressMemory
  readonly #tls: TlsConnector
  readonly #memory: ProtocolMemory
  readonly #h2: Omit<H2Options, 'pool' | 'record'>
  readonly #proxies: ProxyDialer
  readonly #keyLog: KeyLog | undefined
  /** The local address, for reuse keys. */
  readonly #local: string
  /** Routes of connections that served nothing. */
  readonly #lost = new WeakSet<Route>()
  /** Routes of user-supplied sockets. */
  readonly #onCallerSockets = new WeakSet<Route>()

  constructor(options: ConnectOptions, diagnostics: Diagnostics = new Diagnostics()) {
    this.#options = options
    this.#diagnostics = diagnostics
    this.#resolver = new Resolver(options.lookup, options.lookupTtlMs, options.clock, options.timeouts.connect)
    this.#addresses = new AddressMemory(options.clock)
    this.#keyLog = options.keyLog === undefined ? undefined : new KeyLog(options.keyLog)
    this.#tls = new TlsConnector(options.tls, this.#keyLog)
    this.#memory = new ProtocolMemory(options.clock)
    this.#local = `${options.localAddress ?? ''}|${options.localPort ?? ''}`
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
    const { proxyAddressPolicy } = options
    this.#proxies = new ProxyDialer({ ...common, h2, localAddress, localPort, idleTimeoutMs, proxyAddressPolicy })
  }

  /** Prepares the trust and identity of a pool. @param options checked. */
  tlsOf(options: TlsOptions): TargetTls {
    return new TlsConnector(options, this.#keyLog)
  }

  /**
   * The part of an origin's reuse key that stands for TLS and the local address. With option `servername` it includes
   * the origin, because certificates then prove nothing about other names.
   */
  identityOf({ serialized }: Origin, own: TargetTls | undefined): string {
    const tls = this.#tlsOf({ tls: own })
    const identity = `${tls.identity}|${this.#local}`
    return tls.hasFixedName ? `${identity}|for ${serialized}` : identity
  }

  /** Always a `TlsConnector`: only {@link tlsOf} makes one. */
  #tlsOf({ tls }: Pick<PoolTarget, 'tls'>): TlsConnector {
    return (tls as TlsConnector | undefined) ?? this.#tls
  }

  /** Returns the proxy for an origin. @throws UsageError if the user-supplied function fails. */
  proxyOf(origin: Origin): TargetProxy | undefined {
    return this.#options.proxy?.(origin)
  }

  /** Ends dialing. Connections to proxies close with their last tunnel. */
  close(): void {
    this.#proxies.close()
    this.#keyLog?.close()
  }

  /** Verifies an origin against a certificate, as for a new connection. */
  verify(origin: Origin, certificate: NonNullable<Route['certificate']>, own: TargetTls | undefined): Error | undefined {
    return this.#tlsOf({ tls: own }).verify(origin, certificate)
  }

  /**
   * Resolves a target's host, and orders the addresses to try. Returns none for a proxy (which
   * resolves the name itself), a Unix socket or a user-supplied socket. Prepares TLS during the
   * lookup.
   * @throws ConnectError phase `resolve`; TimeoutError phase `connect`.
   */
  async resolve(target: PoolTarget): Promise<Resolution> {
    this.check(target)
    if (this.#options.connections !== undefined) return NOTHING
    const { origin, proxy } = target
    if (proxy !== undefined || socketPathOf(target) !== undefined || this.#options.sockets?.needsNoAddress === true)
      return NOTHING
    if (target.pinned !== undefined)
      return { addresses: allowedAddresses(target, [target.pinned]), expiresAt: Number.POSITIVE_INFINITY }
    const prepare = origin.scheme === 'https' ? () => this.#tlsOf(target).prepare() : undefined
    try {
      const { addresses, expiresAt } = await resolveTraced(this.#resolver, this.#diagnostics, origin, prepare)
      const allowed = allowedAddresses(target, addresses)
      return { addresses: this.#addresses.order(origin.host, origin.port, allowed), expiresAt }
    } catch (error) {
      throw withOrigin(error, origin.serialized)
    }
  }

  /**
   * Refuses a target that its address policy forbids, as far as that is known without DNS.
   * @throws ConnectError `ERR_ADDRESS_FORBIDDEN`.
   */
  check(target: PoolTarget): void {
    checkTarget(target, this.#options)
  }

  /** Forgets the DNS answers of a target and its proxy, so that the next dial resolves again. */
  forget({ origin, proxy }: PoolTarget): void {
    const { host, port } = (proxy as ProxyServer | undefined) ?? origin
    this.#resolver.forget(host)
    this.#addresses.forget(host, port)
    // SOCKS may have resolved the origin as well.
    if (proxy !== undefined) this.#resolver.forget(origin.host)
  }

  /** The protocol of a target, if it is known without a handshake. */
  knownProtocol(target: PoolTarget): string | undefined {
    if (target.http1Only === true) return 'http/1.1'
    if (target.origin.scheme === 'http') return target.settings.cleartextProtocol
    return this.#memory.known(target.dialKey)
  }

  /**
   * Connects to one of `addresses`. Only `signal` ends the dial: deadlines are up to the caller.
   * @throws ConnectError; the reason of `signal`.
   */
  connect(
    target: PoolTarget,
    addresses: readonly Address[],
    progress: ConnectProgress,
    signal: AbortSignal,
  ): Promise<Connection> {
    const trace = this.#diagnostics.dial(target, addresses)
    if (trace === undefined) return this.#connect(target, addresses, progress, signal)
    return trace.follow(progress, (watched) => this.#connect(target, addresses, watched, signal))
  }

  async #connect(
    target: PoolTarget,
    addresses: readonly Address[],
    progress: ConnectProgress,
    signal: AbortSignal,
  ): Promise<Connection> {
    if (signal.aborted) throw signal.reason
    const { failures } = this.#addresses
    let connection = await this.#dial(target, addresses, progress, signal)
    const { route } = connection
    const others = this.#wasChosen(route) ? this.#addresses.othersThan(route, failures) : []
    if (others.length > 0) {
      const dial = (stop: AbortSignal): Promise<Connection> => this.#dial(target, others, progress, stop)
      connection = await preferOther(connection, dial, this.#options.clock, signal)
    }
    if (this.#options.connections === undefined && isForbidden(target, connection)) {
      const error = forbidden(target, 'the connection leads to another address')
      connection.destroy(error)
      throw error
    }
    if (!signal.aborted) return connection
    // Aborted while the engine was loaded: close the connection, because no request waits for it.
    connection.destroy(new Error('the dial was aborted'))
    throw signal.reason
  }

  /** Records that a server sent SETTINGS: its address is tried first from now on. */
  confirmed(route: Route): void {
    this.#won(route, route.origin)
  }

  /** Records that a server answered a request for an origin: its address is tried first from now on. */
  answered(route: Route, origin: Origin): void {
    if (this.#won(route, origin)) this.#addresses.answered(origin.port, route.remoteAddress!)
  }

  /**
   * Records that a connection failed or its server is late: other addresses are tried first for a
   * while.
   */
  disproved(route: Route): void {
    const { origin, remoteAddress } = route
    if (!this.#wasChosen(route)) return
    this.#addresses.disproved(origin.host, origin.port, remoteAddress!, this.#lost.has(route))
    this.#lost.add(route)
  }

  /** Whether an address of a target has failed recently. */
  hasFailed({ origin }: PoolTarget, address: string): boolean {
    return this.#addresses.hasFailed(origin.port, address)
  }

  #won(route: Route, { host, port }: Origin): boolean {
    const wasChosen = this.#wasChosen(route)
    if (wasChosen) this.#addresses.won(host, port, route.remoteAddress!)
    return wasChosen
  }

  /** Takes or connects a socket, secures it for `https`, then chooses the engine. */
  async #dial(
    target: PoolTarget,
    addresses: readonly Address[],
    progress: ConnectProgress,
    signal: AbortSignal,
  ): Promise<Connection> {
    if (this.#options.connections !== undefined) return this.#options.connections(target)
    const taken = this.#takeCallerSocket(target, addresses)
    if (taken?.address !== undefined) progress.onAttempt(taken.address)
    // The addresses of a user-supplied socket are known only if it was taken for one of them.
    const reached = taken === undefined || taken.address !== undefined ? addresses : []
    const attempt: Attempt = { target, addresses, reached, given: taken?.socket, progress, signal }
    return target.origin.scheme === 'http' ? this.#dialCleartext(attempt) : this.#dialSecure(attempt)
  }

  async #dialCleartext(attempt: Attempt): Promise<Connection> {
    const { target, signal } = attempt
    // Always a `ProxyServer`: only this client's proxy option sets it.
    const proxy = target.proxy as ProxyServer | undefined
    const protocol = target.http1Only === true ? 'http/1.1' : target.settings.cleartextProtocol
    const isForwarded = proxy !== undefined && protocol === 'http/1.1' && forwards(proxy)
    const socket = isForwarded ? await this.#proxies.forward(proxy, target, signal) : await this.#carry(attempt)
    const route = this.#route(attempt, socket, undefined)
    return this.#start({ socket, protocol }, route, target, isForwarded ? proxy.fields : undefined)
  }

  async #dialSecure(attempt: Attempt): Promise<Connection> {
    const { target, given } = attempt
    const isDirect = given === undefined && target.proxy === undefined && socketPathOf(target) === undefined
    const secure = (protocols: readonly ProtocolName[]): Promise<SecureSocket> =>
      isDirect ? this.#raceSecure(attempt, protocols) : this.#secureCarrier(attempt, protocols)
    const adopted = this.#adopt(given, target)
    const secured = adopted ?? (await secureOffering(target, this.knownProtocol(target), this.#memory, secure))
    const route = this.#route(attempt, secured.carrier ?? secured.socket, secured)
    return this.#start(secured, route, target)
  }

  /** Creates the engine of a connection. */
  async #start(
    { socket, protocol, reads }: StartedSocket,
    route: Route,
    target: PoolTarget,
    forwarding?: readonly string[],
  ): Promise<Connection> {
    const trace = traceBytes(socket, reads, this.#diagnostics.identity, target.origin.serialized)
    const options = { ...this.#h2, reads: trace?.reads ?? reads }
    const connection = await negotiate(socket, protocol, route, target, options, forwarding)
    if (trace !== undefined) trace.connection = connection.id
    return connection
  }

  /** Connects to the origin: by a tunnel, the user-supplied socket, a Unix socket, or TCP. */
  async #carry(attempt: Attempt): Promise<Carrier> {
    const { target, given, progress, signal } = attempt
    const path = socketPathOf(target)
    const proxy = target.proxy as ProxyServer | undefined
    if (given === undefined && path === undefined && proxy === undefined) return race(this.#raceOptions(attempt))
    const tunnel = proxy === undefined ? undefined : await this.#proxies.tunnel(proxy, target, signal)
    const carrier = tunnel ?? given ?? (await connectUnix(path!, target.origin.serialized, signal))
    progress.onTcpConnected()
    return carrier
  }

  /** Takes a user-supplied socket for an origin that is reached over TCP without a proxy. */
  #takeCallerSocket(target: PoolTarget, addresses: readonly Address[]): TakenSocket | undefined {
    if (target.proxy !== undefined || socketPathOf(target) !== undefined) return undefined
    return this.#options.sockets?.take(target.origin, addresses)
  }

  /** Adopts a user-supplied socket that has finished its TLS handshake. */
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

  /** Connects to the first address that completes TCP and TLS; TLS starts once TCP is connected. */
  async #raceSecure(attempt: Attempt, protocols: readonly ProtocolName[]): Promise<SecureSocket> {
    const handshakes = new Map<Socket, Handshake<SecureSocket>>()
    return race({
      ...this.#raceOptions(attempt),
      open: (endpoint) => {
        const handshake = this.#tlsOf(attempt.target).open(endpoint, attempt.target, protocols)
        handshakes.set(handshake.socket, handshake)
        return handshake.socket
      },
      complete: (socket, stop) => handshakes.get(socket)!.finish(stop),
    })
  }

  /** Connects a carrier, then TLS on it. */
  async #secureCarrier(attempt: Attempt, protocols: readonly ProtocolName[]): Promise<SecureSocket> {
    const carrier = await this.#carry(attempt)
    const secured = await this.#tlsOf(attempt.target).secure(carrier, attempt.target, protocols, attempt.signal)
    if (!(carrier instanceof Socket)) carryOn(carrier, secured.socket)
    return { ...secured, carrier }
  }

  #raceOptions({ target, addresses, progress, signal }: Attempt): Omit<RaceOptions<never>, 'open' | 'complete'> {
    const { clock, localAddress, localPort, keepAliveMs } = this.#options
    const { serialized, host, port } = target.origin
    return {
      ...{ addresses, inOrder: true, port, origin: serialized, localAddress, localPort, keepAliveMs, clock, signal },
      memory: { known: this.#addresses, host },
      onAttempt: (address) => progress.onAttempt(address),
      onConnected: () => progress.onTcpConnected(),
    }
  }

  #route({ target, reached, given }: Attempt, carrier: Carrier, secured: SecureSocket | undefined): Route {
    const route = routeOf(carrier, target, reached, secured, this.#tlsOf(target))
    if (given !== undefined) this.#onCallerSockets.add(route)
    return route
  }

  /**
   * Whether this client chose the address: not a proxy, and not the caller that connected the
   * socket.
   */
  #wasChosen(route: Route): boolean {
    const { addresses, proxy, remoteAddress } = route
    return addresses.length > 0 && proxy === undefined && remoteAddress !== undefined && !this.#onCallerSockets.has(route)
  }
}
