/**
 * A pending dial as policies and other dials see it: from the first address tried until the
 * connection is published.
 */

import type { ConnectProgress } from '../../connect/connect-options.js'
import type { Origin } from '../../message/origin.js'
import type { Clock } from '../../runtime/clock.js'
import type { Address } from '../../transport/route.js'
import type { PoolTarget } from '../../transport/target.js'
import type { CandidateIndex } from './candidate-index.js'
import type { Dial } from './reuse-policy.js'

/**
 * How long requests of other hosts wait for a handshake, from its start, in milliseconds; or 4 ×
 * its TCP connect time, if that is longer.
 */
const WAIT_MS = 250
const WAIT_FACTOR = 4
/**
 * The wait is shortened by up to this fraction at random, so that waiting hosts do not all dial at
 * once.
 */
const JITTER = 0.1

/** Collaborators of a dial. */
export interface PendingDialDeps {
  readonly clock: Clock
  readonly index: CandidateIndex
  /** The client's connect timeout, in milliseconds; 0 for no limit. No wait is longer. */
  readonly connectTimeoutMs: number
}

/** A dial as the pursuit that started it sees it. */
export interface PendingWait {
  /** Whether requests of other origins wait for it. */
  readonly awaited: boolean
}

/** One pending dial. */
export class PendingDial implements Dial, ConnectProgress, PendingWait {
  readonly origin: Origin
  readonly reuseKey: string
  readonly port: number
  readonly addresses: Address[] = []
  /** Resolves when the dial is over, with success or without. */
  readonly settled: Promise<void>
  readonly #deps: PendingDialDeps
  #settle!: () => void
  /** When the first address was tried: setup before that does not count against the server. */
  #startedAt: number
  #attempted = false
  #waits = 0
  /** Called when no other origin waits for the dial any more. */
  onLeft: ((reason: unknown) => void) | undefined
  #tcpMs = 0
  /** When TCP, or the tunnel of a proxy, was connected, by the client's clock; `undefined` before. */
  connectedAt: number | undefined

  /**
   * Indexed at once under the address to be tried first: hosts resolved in the same turn must find
   * it.
   */
  constructor(target: PoolTarget, first: Address | undefined, groups: readonly string[], deps: PendingDialDeps) {
    this.origin = target.origin
    this.reuseKey = target.reuseKey
    this.port = target.origin.port
    this.#deps = deps
    this.#startedAt = deps.clock.now()
    this.settled = new Promise((resolve) => {
      this.#settle = resolve
    })
    if (first !== undefined) this.#list(first)
    for (const group of groups) deps.index.addToHostGroup(this, this, group)
  }

  onAttempt(address: Address): void {
    if (!this.#attempted) this.#startedAt = this.#deps.clock.now()
    this.#attempted = true
    this.#list(address)
  }

  onTcpConnected(): void {
    this.connectedAt = this.#deps.clock.now()
    this.#tcpMs = this.connectedAt - this.#startedAt
  }

  get awaited(): boolean {
    return this.#waits > 0
  }

  /** Counts another origin that waits for the dial. */
  join(): void {
    this.#waits++
  }

  /** Ends one wait; `reason` says why, if it did not get a connection. */
  leave(reason: unknown): void {
    if (--this.#waits === 0) this.onLeft?.(reason)
  }

  /** Ends the dial, with success or without. */
  end(): void {
    this.#deps.index.delete(this)
    this.#settle()
  }

  /** How much longer a request may wait, in milliseconds. @param chance from 0 to 1. */
  remainingMs(chance: number): number {
    const { clock, connectTimeoutMs } = this.#deps
    const limitMs = connectTimeoutMs === 0 ? Number.POSITIVE_INFINITY : connectTimeoutMs
    const waitMs = Math.min(limitMs, Math.max(WAIT_MS, WAIT_FACTOR * this.#tcpMs))
    return this.#startedAt + waitMs * (1 - JITTER * chance) - clock.now()
  }

  #list(address: Address): void {
    if (this.addresses.some((known) => known.address === address.address)) return
    this.addresses.push(address)
    this.#deps.index.addDial(this, address)
  }
}
