/** A connector and connections without sockets: the test decides when and how a dial ends. */

import type { ConnectProgress } from '../../src/connect/connect-options.js'
import type { Connector } from '../../src/connect/connector.js'
import type { Resolution } from '../../src/connect/dns/resolver.js'
import { Diagnostics } from '../../src/diagnostics/diagnostics.js'
import { type HttpRequest, parseOrigin, type ReusePolicy, type SerializedOrigin } from '../../src/index.js'
import type { Member } from '../../src/pool/member.js'
import { Pool } from '../../src/pool/pool.js'
import type { QueuedRequest } from '../../src/pool/request-queue.js'
import type { Clock } from '../../src/runtime/clock.js'
import type { PoolSettings } from '../../src/settings/pool-settings.js'
import { type Connection, type ConnectionState, nextConnectionId } from '../../src/transport/connection.js'
import type { Exchange, ExchangeObserver } from '../../src/transport/exchange.js'
import type { Address, Certificate, Route } from '../../src/transport/route.js'
import type { PoolTarget } from '../../src/transport/target.js'
import { plainTarget } from '../fixtures.js'

/** A target whose idle connections live for a second by default. */
export function targetOf(url: string, reuseKey = 'key', settings: PoolSettings = {}): PoolTarget {
  return plainTarget(parseOrigin(url), reuseKey, { idleTimeoutMs: 1_000, ...settings })
}

/** Properties of a fake connection. Default: HTTP/2, open, with 100 slots; HTTP/1.1 has one. */
export interface FakeOptions {
  readonly protocol?: 'h2' | 'http/1.1'
  readonly places?: number
  readonly state?: ConnectionState
  /** Whether SETTINGS were received. Default: true. */
  readonly confirmed?: boolean
  /** The SAN of its certificate, as text. Default: no certificate. */
  readonly names?: string
  readonly originSet?: readonly string[]
}

export class FakeConnection implements Connection {
  readonly id = nextConnectionId()
  readonly protocol: 'h2' | 'http/1.1'
  readonly route: Route
  originSet: Set<SerializedOrigin> | undefined
  confirmed: boolean
  readonly removedOrigins: string[] = []
  state: ConnectionState
  places: number
  onChange: (() => void) | undefined
  /** The observers of requests in flight. */
  readonly observers = new Set<ExchangeObserver>()
  closes = 0
  #resolveClosed: () => void = () => undefined
  readonly closed = new Promise<void>((resolve) => (this.#resolveClosed = resolve))

  wasIdle = false
  /** If set, the connection verifies its peer before reuse. */
  needsVerification = false
  verifying = false

  constructor(target: PoolTarget, address: string, options: FakeOptions = {}) {
    this.protocol = options.protocol ?? 'h2'
    this.state = options.state ?? 'open'
    this.confirmed = options.confirmed ?? true
    this.originSet = options.originSet && new Set(options.originSet as SerializedOrigin[])
    this.places = options.places ?? (this.protocol === 'h2' ? 100 : 1)
    this.route = {
      origin: target.origin,
      reuseKey: target.reuseKey,
      proxy: target.proxy?.name,
      remoteAddress: address,
      remotePort: target.origin.port,
      localAddress: undefined,
      localPort: undefined,
      certificate: options.names === undefined ? undefined : ({ peer: { subjectaltname: options.names } } as Certificate),
      authorized: true,
      lenient: false,
      addresses: [],
      clientCertificate: false,
    }
  }

  removeOrigin(origin: SerializedOrigin): void {
    this.removedOrigins.push(origin)
    this.originSet?.delete(origin)
  }

  get capacity(): number {
    return this.state === 'open' && !this.verifying ? Math.max(0, this.places - this.observers.size) : 0
  }

  get active(): number {
    return this.observers.size
  }

  request(_request: HttpRequest, observer: ExchangeObserver): Exchange {
    this.observers.add(observer)
    return { trailers: undefined, sentBytes: 0, reprioritize: () => false, abort: () => this.finish(observer) }
  }

  /** Ends the given request, or the oldest. */
  finish(observer: ExchangeObserver = [...this.observers][0]!): void {
    this.observers.delete(observer)
    observer.onClosed()
    this.onChange?.()
  }

  verify(): boolean {
    if (this.needsVerification) this.verifying = true
    return !this.needsVerification
  }

  /** Ends the verification of the peer with success. */
  verified(): void {
    this.verifying = false
    this.needsVerification = false
    this.onChange?.()
  }

  ping(): Promise<number> {
    return Promise.resolve(1)
  }

  close(): Promise<void> {
    this.closes++
    this.enter(this.active === 0 ? 'closed' : 'draining')
    return this.closed
  }

  destroy(): void {
    this.enter('closed')
  }

  enter(state: ConnectionState): void {
    if (this.state === state) return
    this.state = state
    if (state === 'closed') this.#resolveClosed()
    this.onChange?.()
  }
}

export interface FakeDial {
  readonly target: PoolTarget
  readonly progress: ConnectProgress
  readonly signal: AbortSignal
  succeed(options?: FakeOptions): Promise<FakeConnection>
  fail(error: Error): Promise<void>
}

export class FakeConnector {
  readonly dials: FakeDial[] = []
  readonly resolved: string[] = []
  readonly table: Record<string, string | string[]>
  known: string | undefined

  constructor(table: Record<string, string | string[]> = {}) {
    this.table = table
  }

  get asConnector(): Connector {
    return this as unknown as Connector
  }

  confirmed(): void {}

  answered(): void {}

  /** Addresses that {@link disproved} was called with. */
  readonly ill: (string | undefined)[] = []

  disproved({ remoteAddress }: Route): void {
    this.ill.push(remoteAddress)
  }

  /** Addresses that have failed. */
  readonly failed = new Set<string>()

  hasFailed(_target: PoolTarget, address: string): boolean {
    return this.failed.has(address)
  }

  readonly forgotten: string[] = []

  /** No target of these tests has an address policy. */
  check(): void {}

  forget({ origin }: PoolTarget): void {
    this.forgotten.push(origin.host)
  }

  knownProtocol(): string | undefined {
    return this.known
  }

  /** Expiry of DNS answers, by the clock of the test. */
  expiresAt = Number.POSITIVE_INFINITY

  async resolve({ origin: { host }, proxy }: PoolTarget): Promise<Resolution> {
    const { expiresAt } = this
    if (proxy !== undefined) return { addresses: [], expiresAt }
    this.resolved.push(host)
    return { addresses: [this.table[host] ?? '192.0.2.1'].flat().map((address) => ({ address, family: 4 })), expiresAt }
  }

  /** If off, the test decides when a dial tries its first address. */
  attemptsAtOnce = true

  connect(
    target: PoolTarget,
    addresses: readonly Address[],
    progress: ConnectProgress,
    signal: AbortSignal,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      if (this.attemptsAtOnce && target.proxy === undefined) progress.onAttempt(addresses[0]!)
      signal.addEventListener('abort', () => reject(signal.reason))
      this.dials.push({
        target,
        progress,
        signal,
        async succeed(options) {
          const connection = new FakeConnection(target, addresses[0]?.address ?? '192.0.2.99', options)
          resolve(connection)
          await turn()
          return connection
        },
        async fail(error) {
          reject(error)
          await turn()
        },
      })
    })
  }
}

/** A queued request that starts when it gets a connection. */
export class FakeCall implements QueuedRequest, ExchangeObserver {
  affinity: string | undefined
  member: Member | undefined
  error: Error | undefined
  over = false
  readonly name: string
  readonly #log: string[] | undefined

  constructor(name = '', log?: string[]) {
    this.name = name
    this.#log = log
  }

  onMember(member: Member): void {
    this.member = member
    this.#log?.push(this.name)
    member.connection.request({} as HttpRequest, this)
  }

  onUnavailable(error: Error): void {
    this.error = error
  }

  onInformational(): void {}
  onResponse(): void {}
  onError(): void {}

  onClosed(): void {
    this.over = true
  }
}

/** Waits until all settled promises have run their callbacks. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A pool with fake connections. */
export function poolOf(connector: FakeConnector, clock: Clock, reuse: ReusePolicy): Pool {
  const options = { reuse, maxIdleConnections: 1_024, timeouts: { connect: 10_000 }, clock }
  return new Pool(connector.asConnector, new Diagnostics(), options)
}
