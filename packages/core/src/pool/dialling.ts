/**
 * How a group gets a connection: one whose server says that it is the right one, one that leads to the right address, one that is under
 * way there, or one of its own; and then once more somebody else's, because the world has moved on meanwhile.
 */

import type { Connector } from '../connect/connect.js'
import type { Resolution } from '../connect/resolve.js'
import type { Connection, PoolTarget } from '../connection.js'
import type { Clock } from '../deadlines.js'
import type { CandidateIndex } from './candidate-index.js'
import { DialUnderWay } from './dial-under-way.js'
import type { Member } from './group.js'
import type { Found, IsMember, Reuse } from './reuse.js'

/** Handshakes of other hosts waited for, one after the other: hosts that each have a certificate of their own must not queue up. */
const MAX_WAITS = 3

/** What dialling works with. */
export interface DiallingParts {
  readonly connector: Connector
  readonly reuse: Reuse
  readonly index: CandidateIndex
  readonly clock: Clock
  readonly connectTimeoutMs: number
  /** From 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: () => number
  /** Ends every dial. */
  readonly signal: AbortSignal
  /** A new connection is there: it is put into the pool before anybody else hears of it. `dial` is to be ended when it may be found. */
  register(connection: Connection, target: PoolTarget, dial: DialUnderWay): void
  /** A TCP connection is being made. */
  onDial(): void
  /** A connection is made, whether it will be kept or not. */
  onConnected(connection: Connection): void
}

/**
 * For so long at the most an origin shares a connection before the policy is asked anew, milliseconds, whatever the resolver says, and where
 * it says nothing: certificates expire.
 */
const RECHECK_MS = 60_000

/** Finds or makes connections. */
export class Dialling {
  readonly #parts: DiallingParts
  readonly #underWay = new Set<DialUnderWay>()

  constructor(parts: DiallingParts) {
    this.#parts = parts
  }

  /** Dials that are not over. */
  get underWay(): Iterable<DialUnderWay> {
    return this.#underWay
  }

  /**
   * A connection for `target`: somebody else's, where the policy allows it, or one of its own. What `isMember` knows is not offered
   * again: the target wants more than it has. @throws what the connector throws.
   */
  async obtain(target: PoolTarget, isMember: IsMember = () => false): Promise<Member> {
    const { connector, reuse } = this.#parts
    const alone = target.progress.misdirected === true
    const listed = alone ? undefined : reuse.askListed(target, isMember)
    if (listed !== undefined) return this.#shared(listed, target)
    for (let waits = 0; ; waits++) {
      // After a wait too: what was answered before it may be used up.
      const resolution = await connector.resolve(target)
      const resolved: PoolTarget = { ...target, addresses: resolution.addresses }
      if (alone) return this.#dial(resolved, () => true, 'misdirected-before')
      const answer = reuse.ask(resolved, isMember)
      if ('use' in answer) return this.#shared(answer, resolved, resolution)
      if (!('wait' in answer) || waits >= MAX_WAITS) return this.#dial(resolved, isMember, answer.because, resolution)
      if (!(await this.#await(answer.wait))) waits = MAX_WAITS
    }
  }

  /** A connection that nobody else will use; `signal` ends the dial. */
  async dedicated(target: PoolTarget, signal: AbortSignal): Promise<Member> {
    const { connector, onDial, onConnected } = this.#parts
    const { addresses } = await connector.resolve(target)
    onDial()
    const progress = { onAttempt: () => undefined, onTcpConnected: () => undefined }
    const connection = await connector.connect(target, addresses, progress, signal)
    onConnected(connection)
    return { connection, coalesced: false, because: 'connection-close' }
  }

  /** @param resolution of the target, where somebody else's connection would do as well. */
  async #dial(target: PoolTarget, isMember: IsMember, because: string, resolution?: Resolution): Promise<Member> {
    const { connector, reuse, clock, signal, register, onDial, onConnected } = this.#parts
    const addresses = target.addresses!
    const dial = new DialUnderWay(target, reuse.sharable(target) ? addresses[0] : undefined, reuse.groupsOf(target), this.#parts)
    this.#underWay.add(dial)
    void dial.settled.then(() => this.#underWay.delete(dial))
    onDial()
    try {
      const connection = await connector.connect(target, addresses, dial, signal)
      onConnected(connection)
      // Not by an answer that is used up by now: a connection of its own is always right.
      const mayShare = connection.protocol === 'h2' && resolution !== undefined && resolution.expiresAt > clock.now()
      const other = mayShare ? reuse.askAgain(target, connection, isMember) : undefined
      if (other !== undefined) {
        void connection.close()
        dial.end()
        return this.#shared(other, target, resolution)
      }
      register(connection, target, dial)
      return { connection, coalesced: false, because: connection.protocol === 'h2' ? because : 'not-h2' }
    } catch (error) {
      dial.end()
      throw error
    }
  }

  /** Until the dial is over, or patience is: a slow handshake of one host must not hold up another. Returns whether it is over. */
  async #await(dial: DialUnderWay): Promise<boolean> {
    const chance = (this.#parts.random ?? Math.random)()
    let over = false
    const settled = dial.settled.then(() => {
      over = true
    })
    for (let left = dial.patienceMs(chance); !over && left > 0; left = dial.patienceMs(chance)) {
      const { promise, cancel } = this.#sleep(left)
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

  #shared({ use, because, trial }: Found, target: PoolTarget, resolution?: Resolution): Member {
    const expiresAt = Math.min(resolution?.expiresAt ?? Number.POSITIVE_INFINITY, this.#parts.clock.now() + RECHECK_MS)
    return { connection: use, coalesced: true, because, target, expiresAt, trial: trial ? 'due' : undefined }
  }
}
