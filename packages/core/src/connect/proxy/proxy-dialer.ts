/** Connects to an origin through its proxy. Never connects to any other host than the proxy. */

import { isIPv4, type Socket } from 'node:net'
import { ConnectError, textOf } from '../../errors/errors.js'
import { H2Connection } from '../../h2/connection.js'
import type { H2Options } from '../../h2/connection-options.js'
import type { AddressPolicy } from '../../message/address-policy.js'
import { type Origin, parseOrigin } from '../../message/origin.js'
import { unlessAborted } from '../../runtime/abort.js'
import { BoundedCache } from '../../runtime/bounded-cache.js'
import type { ProtocolName } from '../../settings/pool-settings.js'
import type { Address, Carrier } from '../../transport/route.js'
import type { PoolTarget } from '../../transport/target.js'
import { allowedAddresses } from '../address-guard.js'
import { type AddressMemory, interleave } from '../dns/address-order.js'
import type { Resolver } from '../dns/resolver.js'
import { type RaceOptions, race } from '../tcp/race.js'
import type { KeyLog } from '../tls/key-log.js'
import { type SecuredHere, TlsConnector } from '../tls/tls-connector.js'
import { asProxyError, proxyError } from './errors.js'
import { H2Proxy } from './h2-proxy.js'
import { H2ProxyPool, type Reached } from './h2-proxy-pool.js'
import { connectOverHttp1 } from './http1-connect.js'
import { type ProxyServer, schemeOf } from './proxy-options.js'
import { connectOverSocks } from './socks.js'

/** Maximum number of proxies whose TLS context and protocol are remembered. */
const MAX_PROXIES = 1_000

/** Collaborators of proxied dials. */
export interface ProxyDialerDeps {
  readonly resolver: Resolver
  readonly addresses: AddressMemory
  readonly keyLog: KeyLog | undefined
  readonly h2: Omit<H2Options, 'record'>
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /** TCP keepalive, as in `RaceOptions`. */
  readonly keepAliveMs: number | undefined
  /** Addresses of proxies that may be connected to; `undefined` for all. */
  readonly proxyAddressPolicy: AddressPolicy | undefined
  /** Idle time before a connection to a proxy closes, in milliseconds; 0 is never. */
  readonly idleTimeoutMs: number
}

/** Dials through proxies for one client. */
export class ProxyDialer {
  readonly #deps: ProxyDialerDeps
  readonly #tlsConnectors = new BoundedCache<TlsConnector>({ max: MAX_PROXIES })
  /** Proxies that chose HTTP/1.1 in the last handshake, by key of the proxy. */
  readonly #http1 = new BoundedCache<true>({ max: MAX_PROXIES })
  /**
   * By reuse key: requests that may not share a connection do not share one to the proxy either.
   */
  readonly #shared = new Map<string, H2ProxyPool>()

  constructor(deps: ProxyDialerDeps) {
    this.#deps = deps
  }

  /**
   * Opens a tunnel to the target's origin.
   * @throws ConnectError phase `proxy`, or `resolve` if SOCKS requires an address; TimeoutError;
   *   UsageError; the reason of `signal`.
   */
  tunnel(proxy: ProxyServer, target: PoolTarget, signal: AbortSignal): Promise<Carrier> {
    switch (schemeOf(proxy).kind) {
      case 'https':
        return this.#h2Proxies(proxy, target).tunnel(target, signal)
      case 'http':
        return this.#http(proxy, target, signal)
      case 'socks':
        return this.#socks(proxy, target, signal)
    }
  }

  /**
   * Connects to a proxy that forwards requests (RFC 9112 §3.2.2). Offers only HTTP/1.1, because
   * HTTP/2 cannot express them.
   * @throws as {@link tunnel}.
   */
  async forward(proxy: ProxyServer, target: PoolTarget, signal: AbortSignal): Promise<Carrier> {
    try {
      return schemeOf(proxy).tls ? (await this.#secured(proxy, signal, ['http/1.1'])).socket : await this.#tcp(proxy, signal)
    } catch (error) {
      throw signal.aborted ? signal.reason : asProxyError(error, proxy, target)
    }
  }

  /** Closes connections to proxies after their last tunnel. */
  close(): void {
    for (const each of [...this.#shared.values()]) each.close()
  }

  async #http(proxy: ProxyServer, target: PoolTarget, signal: AbortSignal): Promise<Carrier> {
    const socket = await this.forward(proxy, target, signal)
    await connectOverHttp1(socket as Socket, proxy, target, signal)
    return socket
  }

  async #socks(proxy: ProxyServer, target: PoolTarget, signal: AbortSignal): Promise<Carrier> {
    const hosts = await this.#socksHosts(proxy, target, signal)
    for (let i = 0; ; i++) {
      const socket = await this.forward(proxy, target, signal)
      try {
        await connectOverSocks(socket as Socket, proxy, target, hosts[i]!, signal)
        return socket
      } catch (error) {
        // The proxy may be able to reach the next address.
        if (signal.aborted || i === hosts.length - 1) throw error
      }
    }
  }

  /**
   * The destinations to request from the proxy: the name itself, or its addresses resolved here.
   */
  async #socksHosts(proxy: ProxyServer, target: PoolTarget, signal: AbortSignal): Promise<readonly string[]> {
    const { host, isAddress, serialized } = target.origin
    const { version, resolves } = schemeOf(proxy)
    let hosts = [target.pinned?.address ?? host]
    if (target.pinned === undefined && !isAddress && resolves === true) {
      const addresses = allowedAddresses(target, await this.#resolve(host, serialized, signal))
      hosts = interleave(addresses).map(({ address }) => address)
    }
    if (version === 4) hosts = hosts.filter((each) => isIPv4(each) || (each === host && !isAddress))
    if (hosts.length === 0) throw proxyError(proxy, target, 'accepts only IPv4 addresses, and the origin has none')
    return hosts
  }

  async #resolve(host: string, origin: string, signal: AbortSignal): Promise<readonly Address[]> {
    try {
      return (await unlessAborted(this.#deps.resolver.resolve(host), signal)).addresses
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      throw new ConnectError(error.phase, textOf(error), { origin, cause: error.cause })
    }
  }

  async #tcp(proxy: ProxyServer, signal: AbortSignal): Promise<Socket> {
    return race(await this.#raceOptions(proxy, signal))
  }

  /** Connects TCP and TLS to the first of the proxy's addresses that completes both. */
  async #secured(proxy: ProxyServer, signal: AbortSignal, protocols = proxy.protocols): Promise<SecuredHere> {
    const options = await this.#raceOptions(proxy, signal)
    return race({ ...options, complete: (socket, stop) => this.#secure(proxy, socket, stop, protocols) })
  }

  async #raceOptions(proxy: ProxyServer, signal: AbortSignal): Promise<Omit<RaceOptions<never>, 'open' | 'complete'>> {
    const { resolver, addresses: known, localAddress, localPort, keepAliveMs, h2, proxyAddressPolicy } = this.#deps
    const { addresses } = await unlessAborted(resolver.resolve(proxy.host), signal)
    const { port, name, host } = proxy
    const allowed =
      proxyAddressPolicy === undefined ? addresses : addresses.filter(({ address }) => proxyAddressPolicy.allows(address))
    if (allowed.length === 0)
      throw new ConnectError('resolve', 'proxyAddressPolicy forbids its address', { code: 'ERR_ADDRESS_FORBIDDEN' })
    const local = { localAddress, localPort, keepAliveMs }
    return {
      ...{ addresses: allowed, port, origin: name, ...local, clock: h2.clock, memory: { known, host }, signal },
      onAttempt: () => undefined,
    }
  }

  #secure(proxy: ProxyServer, socket: Socket, signal: AbortSignal, protocols: readonly ProtocolName[]): Promise<SecuredHere> {
    let tls = this.#tlsConnectors.get(proxy.key)
    if (tls === undefined) {
      tls = new TlsConnector(proxy.tls, this.#deps.keyLog)
      this.#tlsConnectors.set(proxy.key, tls)
    }
    return tls.secure(socket, { origin: originOf(proxy), reuseKey: proxy.key }, protocols, signal)
  }

  #h2Proxies(proxy: ProxyServer, { reuseKey }: PoolTarget): H2ProxyPool {
    let proxies = this.#shared.get(reuseKey)
    if (proxies === undefined) {
      proxies = new H2ProxyPool({
        proxy,
        dial: (signal, onClosed) => this.#dial(proxy, signal, onClosed),
        speaksHttp1: () => !proxy.protocols.includes('h2') || this.#http1.has(proxy.key),
        onEmpty: () => void this.#shared.delete(reuseKey),
      })
      this.#shared.set(reuseKey, proxies)
    }
    return proxies
  }

  async #dial(proxy: ProxyServer, signal: AbortSignal, onClosed: () => void): Promise<Reached> {
    const { socket, protocol, certificate, authorized } = await this.#secured(proxy, signal)
    if (protocol !== 'h2') {
      this.#http1.set(proxy.key, true)
      return socket
    }
    this.#http1.delete(proxy.key)
    const { remoteAddress, remotePort, localAddress, localPort } = socket
    const { h2, idleTimeoutMs } = this.#deps
    const route = {
      ...{ origin: originOf(proxy), reuseKey: proxy.key, proxy: undefined, certificate, authorized, clientCertificate: false },
      ...{ remoteAddress, remotePort, localAddress, localPort, addresses: [], lenient: false },
    }
    const connection = new H2Connection(socket, route, { ...h2, record: { tooManyPings: 0 } })
    return new H2Proxy(proxy, connection, socket, { clock: h2.clock, idleTimeoutMs, onClosed })
  }
}

/**
 * Whether requests to an `http:` origin are forwarded by the proxy instead of tunneled, as in curl.
 */
export function forwards({ scheme, protocols }: ProxyServer): boolean {
  return scheme === 'http' || (scheme === 'https' && protocols.includes('http/1.1'))
}

function originOf({ host, port }: ProxyServer): Origin {
  return parseOrigin(`https://${host.includes(':') ? `[${host}]` : host}:${port}`)
}
