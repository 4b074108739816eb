/**
 * Finds a connection for an origin pool: one whose Origin Set names the origin, one that leads to
 * the right address, a pending dial to that address, or a new dial. After the dial the policy is
 * asked once more, because a shareable connection may have come up while this one was being dialed.
 */

import type { Connector } from '../connect/connector.js'
import type { Resolution } from '../connect/dns/resolver.js'
import { unlessAborted } from '../runtime/abort.js'
import type { Clock } from '../runtime/clock.js'
import { startDeadline } from '../runtime/deadlines.js'
import type { DialTimes } from '../transport/connection.js'
import type { Address } from '../transport/route.js'
import type { PoolTarget, Target } from '../transport/target.js'
import type { Member } from './member.js'
import { type Attempt, Permit, type Permits } from './permits.js'
import type { PoolEvents } from './pool-events.js'
import type { Pursuit } from './pursuit.js'
import type { CandidateIndex } from './reuse/candidate-index.js'
import { PendingDial } from './reuse/pending-dial.js'
import { type IsMember, policyView, type ReuseGrant, type ReuseLookup } from './reuse/reuse-lookup.js'

/**
 * Rounds of waiting for handshakes of other hosts. Limited, because hosts with certificates of
 * their own must not queue up. More than one, because when many requests have waited for one slow
 * handshake, only the first dials and the others wait for its dial.
 */
const MAX_WAITS = 3

/** How often the resolver is asked again for an address without a connection to this origin. */
const ROTATIONS = 3

/** Collaborators of dialing. */
export interface DialerDeps {
  readonly connector: Connector
  readonly reuse: ReuseLookup
  readonly index: CandidateIndex
  readonly clock: Clock
  readonly permits: Permits
  readonly connectTimeoutMs: number
  /** From 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: () => number
  readonly events: Pick<PoolEvents, 'onDial' | 'onDialFailed' | 'onEstablished' | 'onConnected'>
}

/** One search for a connection. */
interface Search {
  readonly target: PoolTarget
  readonly pursuit: Pursuit
  /** Whether the target has a connection already. */
  readonly isMember: IsMember
  readonly permit: Permit
}

/** A connection for one request. */
export interface DedicatedMember extends Member {
  /** To be released when the connection is closed. */
  readonly permit: Permit
}

/**
 * How long an origin shares a connection before the policy is asked again, in milliseconds. An
 * upper bound for any DNS TTL, and the default without one: certificates expire.
 */
const RECHECK_MS = 60_000

/** Finds or dials connections. */
export class Dialer {
  readonly #deps: DialerDeps
  readonly #pending = new Set<PendingDial>()

  constructor(deps: DialerDeps) {
    this.#deps = deps
  }

  /** Dials that have not settled. */
  get pending(): Iterable<PendingDial> {
    return this.#pending
  }

  /**
   * Returns a connection for `target`: a shared one if the policy allows it, else a new one. Skips
   * connections for which `isMember` is true, because the target has them already.
   * @throws the error of the connector, or the reason that the pursuit was aborted with.
   */
  async obtain(target: PoolTarget, pursuit: Pursuit, isMember: IsMember = () => false): Promise<Member> {
    const { reuse, connector } = this.#deps
    connector.check(target)
    const isMisdirected = target.record.misdirected === true
    const listed = isMisdirected ? undefined : reuse.askListed(target, isMember)
    if (listed !== undefined) return this.#shared(listed, policyView(target))
    const permit = new Permit(this.#deps.permits, target, pursuit)
    try {
      return await this.#ask({ target, pursuit, isMember, permit }, isMisdirected)
    } finally {
      permit.drop()
    }
  }

  /** Asks the policy, and dials if no connection may be shared. */
  async #ask(search: Search, isMisdirected: boolean): Promise<Member> {
    const { reuse, clock } = this.#deps
    const { target, pursuit, isMember, permit } = search
    const givenUp = new Set<PendingDial>()
    for (let waits = 0; ; ) {
      // Resolve again after each wait: the earlier answer may have expired.
      const lookupAt = clock.now()
      const resolution = await this.#resolve(target, pursuit)
      pursuit.dnsMs = clock.now() - lookupAt
      const { addresses } = resolution
      if (isMisdirected) {
        if (permit.tryTake()) return this.#dial({ ...search, isMember: () => true }, addresses, 'misdirected-before')
        await this.#awaitPermit(search, addresses)
        continue
      }
      const listed = permit.waited ? reuse.askListed(target, isMember) : undefined
      if (listed !== undefined) return this.#shared(listed, policyView(target))
      const decision = reuse.ask(target, addresses, isMember)
      if ('use' in decision) return this.#shared(decision, policyView(target, addresses), resolution)
      const mayWait = 'wait' in decision && waits < MAX_WAITS && decision.wait.some((dial) => !givenUp.has(dial))
      if (mayWait) {
        waits++
        await this.#awaitFor(pursuit.signal, decision.wait, givenUp)
      } else if (permit.tryTake()) return this.#dial(search, addresses, decision.because, resolution)
      else await this.#awaitPermit(search, addresses)
    }
  }

  /** Waits until the limits allow another connection, or until another one can be shared. @throws if no request waits any more. */
  async #awaitPermit({ permit, pursuit }: Search, addresses: readonly Address[]): Promise<void> {
    await permit.wait(this.#deps.reuse.keysOf(permit.target, addresses))
    if (!pursuit.wanted) pursuit.abort(new Error('no request waits for the connection'))
    if (pursuit.signal.aborted) throw pursuit.signal.reason
  }

  /** Resolves the target. Puts well addresses without a connection first, if the pursuit spreads. */
  async #resolve(target: PoolTarget, pursuit: Pursuit): Promise<Resolution> {
    const { connector } = this.#deps
    const ask = (): Promise<Resolution> => unlessAborted(connector.resolve(target), pursuit.signal)
    let resolution = await ask()
    const isFree = ({ address }: Address): boolean => pursuit.taken()?.has(address) !== true
    // A resolver that rotates its answers may return an unused address.
    for (let i = 0; i < ROTATIONS && resolution.addresses.length > 0 && !resolution.addresses.some(isFree); i++) {
      connector.forget(target)
      resolution = await ask()
    }
    if (pursuit.taken() === undefined) return resolution
    const free = resolution.addresses.filter((each) => isFree(each) && !connector.hasFailed(target, each.address))
    const addresses = [...free, ...resolution.addresses.filter((each) => !free.includes(each))]
    pursuit.first = addresses[0]?.address
    return { ...resolution, addresses }
  }

  /** Dials a connection for one request only. The signal of the attempt ends the dial. */
  async dedicated(target: PoolTarget, attempt: Attempt): Promise<DedicatedMember> {
    const { connector, events } = this.#deps
    const { signal } = attempt
    const permit = new Permit(this.#deps.permits, target, attempt)
    try {
      let { addresses } = await unlessAborted(connector.resolve(target), signal)
      while (!permit.tryTake()) {
        await permit.wait()
        addresses = (await unlessAborted(connector.resolve(target), signal)).addresses
      }
      events.onDial()
      const progress = { onAttempt: () => undefined, onTcpConnected: () => undefined }
      const connection = await connector.connect(target, addresses, progress, signal).catch((error: unknown) => {
        events.onDialFailed(error)
        throw error
      })
      events.onEstablished(connection)
      permit.keep()
      return { connection, coalesced: false, because: 'connection-close', permit }
    } finally {
      permit.drop()
    }
  }

  /** @param resolution the DNS answer, if a shared connection would do as well. */
  async #dial(
    { target, pursuit, isMember, permit }: Search,
    addresses: readonly Address[],
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
    const startedAt = clock.now()
    try {
      const connection = await connector.connect(target, addresses, dial, signal)
      connection.dialed = dialTimes(target, {
        startedAt,
        dnsMs: pursuit.dnsMs,
        connectedAt: dial.connectedAt,
        doneAt: clock.now(),
      })
      events.onEstablished(connection)
      // Share only while the DNS answer is valid; the new connection itself is always usable.
      const mayShare = connection.protocol === 'h2' && resolution !== undefined && resolution.expiresAt > clock.now()
      const other = mayShare ? reuse.askAgain(target, addresses, connection, isMember) : undefined
      if (other !== undefined) {
        permit.keep()
        void connection.close().then(() => permit.release())
        dial.end()
        return this.#shared(other, policyView(target, addresses), resolution)
      }
      permit.keep()
      events.onConnected(connection, target, dial, permit)
      return { connection, coalesced: false, because }
    } catch (error) {
      events.onDialFailed(error)
      dial.end()
      throw error
    }
  }

  /** Waits for dials of other origins. They continue for as long as any request waits for them. */
  async #awaitFor(signal: AbortSignal, dials: readonly PendingDial[], givenUp: Set<PendingDial>): Promise<void> {
    for (const dial of dials) dial.join()
    try {
      await unlessAborted(this.#await(dials, givenUp), signal)
    } finally {
      for (const dial of dials) dial.leave(signal.reason)
    }
  }

  /**
   * Waits until one of the dials settles, or until the wait limit of all of them has passed: slow
   * handshakes of others must not hold up a host. Adds dials past their limit to `givenUp`; a
   * younger dial is still worth a wait.
   */
  async #await(dials: readonly PendingDial[], givenUp: Set<PendingDial>): Promise<void> {
    const chance = (this.#deps.random ?? Math.random)()
    let over = false
    const settled = Promise.race(dials.map((dial) => dial.settled)).then(() => {
      over = true
    })
    const remainingMs = (): number => Math.max(...dials.map((dial) => (givenUp.has(dial) ? 0 : dial.remainingMs(chance))))
    for (let left = remainingMs(); !over && left > 0; left = remainingMs()) {
      const { promise, cancel } = this.#sleep(left)
      await Promise.race([settled, promise])
      cancel()
    }
    if (!over) for (const dial of dials) givenUp.add(dial)
  }

  /**
   * Sleeps on the deadline clock, which does not count the time that the event loop was blocked.
   */
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

/** @param connectedAt `undefined` if it is not reported, as for a proxy that forwards requests. */
function dialTimes(
  { origin }: PoolTarget,
  times: {
    readonly startedAt: number
    readonly dnsMs: number
    readonly connectedAt: number | undefined
    readonly doneAt: number
  },
): DialTimes {
  const { startedAt, dnsMs, doneAt, connectedAt = doneAt } = times
  return { startedAt, dnsMs, connectMs: connectedAt - startedAt, tlsMs: origin.scheme === 'https' ? doneAt - connectedAt : 0 }
}
