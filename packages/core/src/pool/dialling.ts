/**
 * How a group gets a connection: resolve, ask the policy about what leads to those addresses, wait for a handshake under way, dial,
 * and ask once more, because the world has moved on meanwhile.
 */

import type { Connector, ConnectProgress } from '../connect/connect.js'
import type { Address, Connection, PoolTarget } from '../connection.js'
import type { Clock } from '../deadlines.js'
import type { Origin } from '../message/origin.js'
import { socketPathOf } from '../pool-settings.js'
import type { AddressIndex } from './address-index.js'
import type { Member } from './group.js'
import { type Dial, isConnection, type ReusePolicy } from './reuse-policy.js'

/** A handshake of another host is waited for this long from its start, or 4 × its TCP connect time where that is more. */
const WAIT_MS = 250
const WAIT_FACTOR = 4

/** Handshakes of other hosts waited for, one after the other: hosts that each have a certificate of their own must not queue up. */
const MAX_WAITS = 3

/** A dial, as policies and other dials see it. */
class DialUnderWay implements Dial, ConnectProgress {
  readonly origin: Origin
  readonly reuseKey: string
  readonly port: number
  readonly addresses: Address[] = []
  readonly settled: Promise<void>
  readonly #clock: Clock
  readonly #index: AddressIndex
  #settle!: () => void
  /** When the first address was tried: what had to be loaded before that says nothing about the server. */
  #startedAt: number
  #attempted = false
  #tcpMs = 0

  /** Findable from the start under the address that will be tried first: hosts that are resolved in the same turn must find it. */
  constructor(target: PoolTarget, first: Address | undefined, clock: Clock, index: AddressIndex) {
    this.origin = target.origin
    this.reuseKey = target.reuseKey
    this.port = target.origin.port
    this.#startedAt = clock.now()
    this.#clock = clock
    this.#index = index
    this.settled = new Promise((resolve) => {
      this.#settle = resolve
    })
    if (first !== undefined) this.#list(first)
  }

  onAttempt(address: Address): void {
    if (!this.#attempted) this.#startedAt = this.#clock.now()
    this.#attempted = true
    this.#list(address)
  }

  #list(address: Address): void {
    if (this.addresses.some((known) => known.address === address.address)) return
    this.addresses.push(address)
    this.#index.add(address.address, this.port, this)
  }

  onTcpConnected(): void {
    this.#tcpMs = this.#clock.now() - this.#startedAt
  }

  /** It is over, well or not. */
  end(): void {
    for (const { address } of this.addresses) this.#index.delete(address, this.port, this)
    this.#settle()
  }

  /** How long a waiter may still wait, milliseconds. */
  get patienceMs(): number {
    return this.#startedAt + Math.max(WAIT_MS, WAIT_FACTOR * this.#tcpMs) - this.#clock.now()
  }
}

/** What dialling works with. */
export interface DiallingParts {
  readonly connector: Connector
  readonly policy: ReusePolicy
  readonly index: AddressIndex
  readonly clock: Clock
  /** Ends every dial. */
  readonly signal: AbortSignal
  /** A new connection is there: it is put into the pool, and the index, before anybody else hears of it. */
  register(connection: Connection, target: PoolTarget): void
  /** A TCP connection is being made. */
  onDial(): void
}

type Answer = { use: Connection; because: string } | { wait: DialUnderWay; because: string } | { because: string }

/** Finds or makes connections. */
export class Dialling {
  readonly #parts: DiallingParts

  constructor(parts: DiallingParts) {
    this.#parts = parts
  }

  /**
   * A connection for `target`: somebody else's, where the policy allows it, or one of its own. What `isMember` knows is not offered
   * again: the target wants more than it has. @throws what the connector throws.
   */
  async obtain(target: PoolTarget, isMember: (connection: Connection) => boolean = () => false): Promise<Member> {
    const addresses = await this.#parts.connector.resolve(target)
    const resolved: PoolTarget = { ...target, addresses, verify: (certificate) => target.verify(certificate) }
    for (let waits = 0; ; waits++) {
      const answer = this.#ask(resolved, isMember)
      if ('use' in answer) return { connection: answer.use, coalesced: true, because: answer.because, target: resolved }
      if (!('wait' in answer) || waits >= MAX_WAITS) return this.#dial(resolved, addresses, isMember, answer.because)
      if (!(await this.#await(answer.wait))) waits = MAX_WAITS
    }
  }

  /** A connection that nobody else will use; `signal` ends the dial. */
  async dedicated(target: PoolTarget, signal: AbortSignal): Promise<Member> {
    const { connector, onDial } = this.#parts
    const addresses = await connector.resolve(target)
    onDial()
    const progress = { onAttempt: () => undefined, onTcpConnected: () => undefined }
    const connection = await connector.connect(target, addresses, progress, signal)
    return { connection, coalesced: false, because: 'connection-close' }
  }

  async #dial(
    target: PoolTarget,
    addresses: readonly Address[],
    isMember: (connection: Connection) => boolean,
    because: string,
  ): Promise<Member> {
    const { connector, clock, index, signal, register, onDial } = this.#parts
    const dial = new DialUnderWay(target, addresses[0], clock, index)
    onDial()
    try {
      const connection = await connector.connect(target, addresses, dial, signal)
      const other = connection.protocol === 'h2' ? this.#askAgain(target, connection, isMember) : undefined
      if (other !== undefined) {
        void connection.close()
        return other
      }
      register(connection, target)
      return { connection, coalesced: false, because: connection.protocol === 'h2' ? because : 'not-h2' }
    } finally {
      dial.end()
    }
  }

  /** Another connection to the same address may have come up while this one was being made. */
  #askAgain(target: PoolTarget, own: Connection, isMember: (connection: Connection) => boolean): Member | undefined {
    const { remoteAddress, proxy } = own.route
    if (remoteAddress === undefined || proxy !== undefined) return undefined
    for (const candidate of this.#parts.index.find([{ address: remoteAddress, family: 4 }], target.origin.port)) {
      if (!isConnection(candidate) || isMember(candidate)) continue
      const verdict = this.#parts.policy.verdict(candidate, target)
      if ('use' in verdict && verdict.use) {
        return { connection: candidate, coalesced: true, because: verdict.because, target }
      }
    }
    return undefined
  }

  /** Asks about everything that leads to the target's addresses: a connection to use, a dial to wait for, and why neither. */
  #ask(target: PoolTarget, isMember: (connection: Connection) => boolean): Answer {
    const { index, policy } = this.#parts
    if (target.proxy !== undefined) return { because: 'proxied' }
    if (socketPathOf(target) !== undefined) return { because: 'unix-socket' }
    let because = index.empty ? 'first-connection' : 'address-differs'
    let wait: DialUnderWay | undefined
    for (const candidate of index.find(target.addresses!, target.origin.port)) {
      if (isConnection(candidate) && isMember(candidate)) {
        because = 'busy'
        continue
      }
      const verdict = policy.verdict(candidate, target)
      if ('wait' in verdict) wait ??= candidate as DialUnderWay
      else if (verdict.use && isConnection(candidate)) return { use: candidate, because: verdict.because }
      else because = verdict.because
    }
    return wait === undefined ? { because } : { wait, because: 'handshake-too-slow' }
  }

  /** Until the dial is over, or patience is: a slow handshake of one host must not hold up another. Returns whether it is over. */
  async #await(dial: DialUnderWay): Promise<boolean> {
    let over = false
    const settled = dial.settled.then(() => {
      over = true
    })
    while (!over && dial.patienceMs > 0) {
      const { promise, cancel } = this.#sleep(dial.patienceMs)
      await Promise.race([settled, promise])
      cancel()
    }
    return over
  }

  #sleep(ms: number): { promise: Promise<void>; cancel: () => void } {
    let cancel = (): void => undefined
    const promise = new Promise<void>((resolve) => {
      const timer = this.#parts.clock.startTimer(ms, resolve)
      cancel = () => timer.cancel()
    })
    return { promise, cancel }
  }
}
