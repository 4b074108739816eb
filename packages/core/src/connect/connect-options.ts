/** Options of dialing, and the events of a dial. */

import type { LookupFunction } from 'node:net'
import type { AddressPolicy } from '../message/address-policy.js'
import type { Clock } from '../runtime/clock.js'
import type { Connection } from '../transport/connection.js'
import type { Address } from '../transport/route.js'
import type { PoolTarget } from '../transport/target.js'
import type { ProxyChoice } from './proxy/proxy-selector.js'
import type { CallerSockets } from './tcp/caller-sockets.js'
import type { KeyLogTarget } from './tls/key-log.js'
import type { TlsOptions } from './tls/tls-options.js'

/** Options of a client that dialing depends on, with defaults filled in. */
export interface ConnectOptions {
  readonly tls: TlsOptions
  /** Target of the TLS secrets of connections to origins and proxies. */
  readonly keyLog: KeyLogTarget | undefined
  /** Selects the proxy of an origin; `undefined` if there are no proxies. */
  readonly proxy: ProxyChoice | undefined
  readonly lookup: LookupFunction | undefined
  readonly lookupTtlMs: number
  /** Sockets connected by the caller. */
  readonly sockets: CallerSockets | undefined
  /** Called instead of dialing, in tests. */
  readonly connections?: ((target: PoolTarget) => Connection | Promise<Connection>) | undefined
  /** Addresses of proxies that may be connected to; `undefined` for all. */
  readonly proxyAddressPolicy: AddressPolicy | undefined
  /** Whether requests with an address policy may use names that a proxy resolves. */
  readonly proxyResolves: 'refused' | 'trusted'
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /**
   * Idle time before TCP keepalive on dialed sockets, in milliseconds; `undefined` turns it off.
   */
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
  /** TCP, or the tunnel of a proxy, is connected; with TLS the handshake follows. */
  onTcpConnected(): void
}
