/** A dial, as policies and other dials see it: from the first address that is tried until there is a connection that says what it allows. */

import type { ConnectProgress } from '../../connect/connect-options.js'
import type { Origin } from '../../message/origin.js'
import type { Clock } from '../../runtime/clock.js'
import type { Address } from '../../transport/route.js'
import type { PoolTarget } from '../../transport/target.js'
import type { CandidateIndex } from './candidate-index.js'
import type { Dial } from './reuse-policy.js'

/** A handshake of another host is waited for this long from its start, or 4 × its TCP connect time where that is more. */
const WAIT_MS = 250
const WAIT_FACTOR = 4
/** Up to this part of that time less, at random: those who have waited for one handshake do not all dial in the same moment. */
const JITTER = 0.1

/** Collaborators of a dial. */
export interface PendingDialDeps {
  readonly clock: Clock
  readonly index: CandidateIndex
  /** No handshake takes longer, milliseconds; 0 for no limit. */
  readonly connectTimeoutMs: number
}

/** A dial, as the one who made it sees who else waits for it. */
export interface PendingWait {
  /** Whether requests of other origins wait for it. */
  readonly awaited: boolean
}

/** One of them. */
export class PendingDial implements Dial, ConnectProgress, PendingWait {
  readonly origin: Origin
  readonly reuseKey: string
  readonly port: number
  readonly addresses: Address[] = []
  /** It is over, well or not. */
  readonly settled: Promise<void>
  readonly #parts: PendingDialDeps
  #settle!: () => void
  /** When the first address was tried: what had to be loaded before that says nothing about the server. */
  #startedAt: number
  #attempted = false
  #waits = 0
  /** Called when no other origin waits for it any more. */
  onLeft: ((reason: unknown) => void) | undefined
  #tcpMs = 0

  /** Findable from the start under the address that will be tried first: hosts that are resolved in the same turn must find it. */
  constructor(target: PoolTarget, first: Address | undefined, groups: readonly string[], parts: PendingDialDeps) {
    this.origin = target.origin
    this.reuseKey = target.reuseKey
    this.port = target.origin.port
    this.#parts = parts
    this.#startedAt = parts.clock.now()
    this.settled = new Promise((resolve) => {
      this.#settle = resolve
    })
    if (first !== undefined) this.#list(first)
    for (const group of groups) parts.index.addToHostGroup(this, this, group)
  }

  onAttempt(address: Address): void {
    if (!this.#attempted) this.#startedAt = this.#parts.clock.now()
    this.#attempted = true
    this.#list(address)
  }

  onTcpConnected(): void {
    this.#tcpMs = this.#parts.clock.now() - this.#startedAt
  }

  get awaited(): boolean {
    return this.#waits > 0
  }

  /** Another origin waits for it. */
  join(): void {
    this.#waits++
  }

  /** And waits no more; `reason` says why, if it has not got what it waited for. */
  leave(reason: unknown): void {
    if (--this.#waits === 0) this.onLeft?.(reason)
  }

  /** Over, well or not. */
  end(): void {
    this.#parts.index.delete(this)
    this.#settle()
  }

  /** How long one who waits may still wait, milliseconds. @param chance from 0 to 1. */
  patienceMs(chance: number): number {
    const { clock, connectTimeoutMs } = this.#parts
    const limitMs = connectTimeoutMs === 0 ? Number.POSITIVE_INFINITY : connectTimeoutMs
    const patienceMs = Math.min(limitMs, Math.max(WAIT_MS, WAIT_FACTOR * this.#tcpMs))
    return this.#startedAt + patienceMs * (1 - JITTER * chance) - clock.now()
  }

  #list(address: Address): void {
    if (this.addresses.some((known) => known.address === address.address)) return
    this.addresses.push(address)
    this.#parts.index.addDial(this, address)
  }
}
