/**
 * How a group gets a connection: one whose server says that it is the right one, one that leads to the right address, one that is under
 * way there, or one of its own; and then once more somebody else's, because the world has moved on meanwhile.
 */

import type { Connector } from '../connect/connector.js'
import type { Resolution } from '../connect/dns/resolver.js'
import { unlessAborted } from '../runtime/abort.js'
import type { Clock } from '../runtime/clock.js'
import { startDeadline } from '../runtime/deadlines.js'
import type { Address } from '../transport/route.js'
import type { PoolTarget, Target } from '../transport/target.js'
import type { Member } from './member.js'
import type { Pursuit } from './pursuit.js'
import type { CandidateIndex } from './reuse/candidate-index.js'
import { PendingDial } from './reuse/pending-dial.js'
import { type IsMember, policyView, type ReuseGrant, type ReuseLookup } from './reuse/reuse-lookup.js'

/**
 * Handshakes of other hosts waited for, one after the other: hosts that each have a certificate of their own must not queue up. More than one, because
 * of many who have waited for a slow one in vain only the first is to dial, and the others wait for that.
 */
const MAX_WAITS = 3

import type { PoolEvents } from './pool-events.js'

/** How often a resolver is asked again for an address that the origin's other connections do not lead to. */
const ROTATIONS = 3

/** Collaborators of dialing. */
export interface DialerDeps {
  readonly connector: Connector
  readonly reuse: ReuseLookup
  readonly index: CandidateIndex
  readonly clock: Clock
  readonly connectTimeoutMs: number
  /** From 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: () => number
  readonly events: Pick<PoolEvents, 'onDial' | 'onEstablished' | 'onConnected'>
}

/**
 * For so long at most an origin shares a connection before the policy is asked again, milliseconds, whatever the resolver says, and where
 * it says nothing: certificates expire.
 */
const RECHECK_MS = 60_000

/** Finds or makes connections. */
export class Dialer {
  readonly #deps: DialerDeps
  readonly #pending = new Set<PendingDial>()

  constructor(deps: DialerDeps) {
    this.#deps = deps
  }

  /** Dials that are not over. */
  get pending(): Iterable<PendingDial> {
    return this.#pending
  }

  /**
   * A connection for `target`: somebody else's, where the policy allows it, or one of its own. What `isMember` knows is not offered
   * again: the target wants more than it has. @throws what the connector throws; the reason that the pursuit is ended with.
   */
  async obtain(target: PoolTarget, pursuit: Pursuit, isMember: IsMember = () => false): Promise<Member> {
    const { reuse } = this.#deps
    const alone = target.record.misdirected === true
    const listed = alone ? undefined : reuse.askListed(target, isMember)
    if (listed !== undefined) return this.#shared(listed, policyView(target))
    const givenUp = new Set<PendingDial>()
    for (let waits = 0; ; waits++) {
      // After a wait too: what was answered before it may be used up.
      const resolution = await this.#resolve(target, pursuit)
      const { addresses } = resolution
      if (alone) return this.#dial(target, pursuit, addresses, () => true, 'misdirected-before')
      const decision = reuse.ask(target, addresses, isMember)
      if ('use' in decision) return this.#shared(decision, policyView(target, addresses), resolution)
      const patient = 'wait' in decision && waits < MAX_WAITS && decision.wait.some((dial) => !givenUp.has(dial))
      if (!patient) return this.#dial(target, pursuit, addresses, isMember, decision.because, resolution)
      await this.#awaitFor(pursuit.signal, decision.wait, givenUp)
    }
  }

  /** Addresses of the target: those first that its group has no connection to, where it is to spread. */
  async #resolve(target: PoolTarget, pursuit: Pursuit): Promise<Resolution> {
    const { connector } = this.#deps
    const ask = (): Promise<Resolution> => unlessAborted(connector.resolve(target), pursuit.signal)
    let resolution = await ask()
    const isFree = ({ address }: Address): boolean => pursuit.taken()?.has(address) !== true
    // A resolver that rotates may have another one.
    for (let i = 0; i < ROTATIONS && resolution.addresses.length > 0 && !resolution.addresses.some(isFree); i++) {
      connector.forget(target)
      resolution = await ask()
    }
    if (pursuit.taken() === undefined) return resolution
    const free = resolution.addresses.filter(isFree)
    const addresses = [...free, ...resolution.addresses.filter((each) => !free.includes(each))]
    pursuit.first = addresses[0]?.address
    return { ...resolution, addresses }
  }

  /** A connection that nobody else will use; `signal` ends the dial. */
  async dedicated(target: PoolTarget, signal: AbortSignal): Promise<Member> {
    const { connector, events } = this.#deps
    const { addresses } = await unlessAborted(connector.resolve(target), signal)
    events.onDial()
    const progress = { onAttempt: () => undefined, onTcpConnected: () => undefined }
    const connection = await connector.connect(target, addresses, progress, signal)
    events.onEstablished(connection)
    return { connection, coalesced: false, because: 'connection-close' }
  }

  /** @param resolution of the target, where somebody else's connection would do as well. */
  async #dial(
    target: PoolTarget,
    pursuit: Pursuit,
    addresses: readonly Address[],
    isMember: IsMember,
    because: string,
    resolution?: Resolution,
  ): Promise<Member> {
    const { connector, reuse, clock, events } = this.#deps
    const { signal } = pursuit
    const dial = new PendingDial(
      target,
      reuse.sharable(target) ? addresses[0] : undefined,
      reuse.hostGroupsOf(target),
      this.#deps,
    )
    pursuit.dial = dial
    dial.onLeft = (reason) => pursuit.review(reason)
    this.#pending.add(dial)
    void dial.settled.then(() => this.#pending.delete(dial))
    events.onDial()
    try {
      const connection = await connector.connect(target, addresses, dial, signal)
      events.onEstablished(connection)
      // Not by an answer that is used up by now: a connection of its own is always right.
      const mayShare = connection.protocol === 'h2' && resolution !== undefined && resolution.expiresAt > clock.now()
      const other = mayShare ? reuse.askAgain(target, addresses, connection, isMember) : undefined
      if (other !== undefined) {
        void connection.close()
        dial.end()
        return this.#shared(other, policyView(target, addresses), resolution)
      }
      events.onConnected(connection, target, dial)
      return { connection, coalesced: false, because }
    } catch (error) {
      dial.end()
      throw error
    }
  }

  /** Waits for dials of other origins, which go on for as long as something waits. */
  async #awaitFor(signal: AbortSignal, dials: readonly PendingDial[], givenUp: Set<PendingDial>): Promise<void> {
    for (const dial of dials) dial.join()
    try {
      await unlessAborted(this.#await(dials, givenUp), signal)
    } finally {
      for (const dial of dials) dial.leave(signal.reason)
    }
  }

  /**
   * Until one of the dials is over, or patience with all of them is: slow handshakes of others must not hold up a host. Those that it has no
   * more patience with are given up: a younger one is still worth a wait.
   */
  async #await(dials: readonly PendingDial[], givenUp: Set<PendingDial>): Promise<void> {
    const chance = (this.#deps.random ?? Math.random)()
    let over = false
    const settled = Promise.race(dials.map((dial) => dial.settled)).then(() => {
      over = true
    })
    const patienceMs = (): number => Math.max(...dials.map((dial) => (givenUp.has(dial) ? 0 : dial.patienceMs(chance))))
    for (let left = patienceMs(); !over && left > 0; left = patienceMs()) {
      const { promise, cancel } = this.#sleep(left)
      await Promise.race([settled, promise])
      cancel()
    }
    if (!over) for (const dial of dials) givenUp.add(dial)
  }

  /** A process that was busy has not been waiting: it has not looked. */
  #sleep(ms: number): { promise: Promise<void>; cancel: () => void } {
    let cancel = (): void => undefined
    const promise = new Promise<void>((resolve) => {
      const timer = startDeadline(this.#deps.clock, ms, resolve)
      cancel = () => timer.cancel()
    })
    return { promise, cancel }
  }

  #shared({ use, because, trial }: ReuseGrant, target: Target, resolution?: Resolution): Member {
    const expiresAt = Math.min(resolution?.expiresAt ?? Number.POSITIVE_INFINITY, this.#deps.clock.now() + RECHECK_MS)
    return { connection: use, coalesced: true, because, target, expiresAt, trial: trial ? 'due' : undefined }
  }
}
