/** Options of a client that connecting depends on, and the events of a dial. */

import type { LookupFunction } from 'node:net'
import type { Clock } from '../runtime/clock.js'
import type { Connection } from '../transport/connection.js'
import type { Address } from '../transport/route.js'
import type { PoolTarget } from '../transport/target.js'
import type { ProxyChoice } from './proxy/proxy-selector.js'
import type { CallerSockets } from './tcp/caller-sockets.js'
import type { KeyLogTarget } from './tls/key-log.js'
import type { TlsOptions } from './tls/tls-options.js'

/** Options of a client that connecting depends on, with every default filled in. */
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
