/** A `Connection` whose server is a function, for tests without sockets, DNS or certificates. */

import type { SerializedOrigin } from '../message/origin.js'
import type { HttpRequest } from '../message/request.js'
import { type Connection, type ConnectionState, nextConnectionId } from '../transport/connection.js'
import type { Exchange, ExchangeObserver } from '../transport/exchange.js'
import type { Route } from '../transport/route.js'
import type { Target } from '../transport/target.js'
import { connectionLost, MockExchange } from './mock-exchange.js'
import type { MockHandler } from './mock-message.js'

/** Options of a {@link MockConnection}. */
export interface MockConnectionOptions {
  /** Reported protocol. Default `h2`. */
  readonly protocol?: 'h2' | 'http/1.1'
  /** Maximum concurrent requests. Default 100, or 1 for HTTP/1.1. */
  readonly concurrency?: number
  /** Reported remote address. Default none. */
  readonly remoteAddress?: string
}

/** A mock connection for one target. */
export class MockConnection implements Connection {
  readonly id: number = nextConnectionId()
  readonly protocol: 'h2' | 'http/1.1'
  readonly route: Route
  readonly confirmed: boolean = true
  readonly verifying: boolean = false
  readonly originSet: undefined
  onChange: (() => void) | undefined
  readonly #handler: MockHandler
  readonly #concurrency: number
  readonly #exchanges = new Set<MockExchange>()
  readonly closed: Promise<void>
  #resolveClosed: () => void = () => undefined
  #state: ConnectionState = 'open'

  constructor(target: Target, handler: MockHandler, options: MockConnectionOptions = {}) {
    this.protocol = options.protocol ?? 'h2'
    this.#concurrency = options.concurrency ?? (this.protocol === 'h2' ? 100 : 1)
    this.#handler = handler
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve))
    this.route = {
      origin: target.origin,
      reuseKey: target.reuseKey,
      proxy: undefined,
      remoteAddress: options.remoteAddress,
      remotePort: target.origin.port,
      addresses: [],
      localAddress: undefined,
      localPort: undefined,
      certificate: undefined,
      authorized: false,
      lenient: false,
      clientCertificate: false,
    }
  }

  get state(): ConnectionState {
    return this.#state
  }

  get capacity(): number {
    return this.#state === 'open' ? Math.max(0, this.#concurrency - this.#exchanges.size) : 0
  }

  get active(): number {
    return this.#exchanges.size
  }

  request(request: HttpRequest, observer: ExchangeObserver): Exchange {
    const exchange: MockExchange = new MockExchange(request, observer, this.id, () => {
      this.#exchanges.delete(exchange)
      if (this.#state === 'draining' && this.#exchanges.size === 0) this.#enter('closed')
      else this.onChange?.()
    })
    this.#exchanges.add(exchange)
    exchange.start(this.#handler)
    return exchange
  }

  /** Simulates GOAWAY: requests in flight finish; new requests use other connections. */
  goaway(): void {
    if (this.#state === 'open') this.#enter(this.#exchanges.size === 0 ? 'closed' : 'draining')
  }

  /** Simulates a network failure: every request in flight fails with `error`. */
  lose(error: Error = connectionLost(this.route.origin.serialized)): void {
    this.destroy(error)
  }

  removeOrigin(_origin: SerializedOrigin): void {
    // A mock connection has no Origin Set.
  }

  ping(): Promise<number> {
    return Promise.resolve(0)
  }

  close(): Promise<void> {
    this.goaway()
    return this.closed
  }

  verify(): boolean {
    return true
  }

  destroy(reason: Error): void {
    if (this.#state === 'closed') return
    this.#enter('closed')
    for (const exchange of [...this.#exchanges]) exchange.lost(reason)
  }

  #enter(state: ConnectionState): void {
    this.#state = state
    if (state === 'closed') this.#resolveClosed()
    this.onChange?.()
  }
}
