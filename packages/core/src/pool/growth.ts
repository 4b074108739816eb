/**
 * The groups' side of a pool: how many connections a group needs, when it is given another, and what becomes of its requests when there
 * is none to be had.
 */

import type { Connector } from '../connect/connector.js'
import { ConnectionError } from '../errors/errors.js'
import { link, unlink } from '../runtime/abort.js'
import type { Clock } from '../runtime/clock.js'
import type { Services } from './connection-registry.js'
import type { Dialling } from './dialer.js'
import type { Member } from './member.js'
import type { Group } from './origin-pool.js'
import { Pursuit } from './pursuit.js'

/** Where an origin has a connection and gets no further one, that is not tried again for so long, milliseconds. */
const FAILURE_PAUSE_MS = 1_000

/** Connections that nobody waits for are not made more often, milliseconds. */
const TOP_UP_PAUSE_MS = 1_000

/** So many connections one after the other that ended before there was room for a request: then those who wait hear of it. */
const MAX_FRUITLESS = 2

/** An origin whose requests get no place on connections of others for so long, milliseconds, gets one of its own. */
const CROWDED_MS = 1_000

/**
 * Connections of one origin when those are counted too whose response no reader has come for. They do not count against
 * `maxConnectionsPerOrigin`: a program that reads its responses only when it has all of them would wait for itself.
 */
const MAX_UNREAD = 256

/** How often it is looked for such responses while requests wait, in milliseconds. */
const UNREAD_PAUSE_MS = 50

/** Collaborators of growth. */
export interface GrowthParts {
  readonly connector: Connector
  readonly dialling: Dialling
  readonly services: Services
  readonly clock: Clock
  /** How long a connection may take that nothing waits for, milliseconds; 0 is forever. */
  readonly connectTimeoutMs: number
  /** Ends every dial. */
  readonly stop: AbortSignal
  /** Nothing is left of a group. */
  forget(group: Group): void
}

/** Makes groups grow. */
export class Growth {
  readonly #parts: GrowthParts

  constructor(parts: GrowthParts) {
    this.#parts = parts
  }

  /** Starts as many dials as the queue and the limits ask for: one until it is known what the origin speaks. */
  grow(group: Group): void {
    if (group.target.once === true && group.target.progress.connections > 0) {
      // Its one connection may be here, and busy or in doubt: then there is something to wait for.
      if (group.members.length + group.dials === 0) this.#fail(group, lost(group, 'the connection was closed'))
      return
    }
    const limit = this.#limit(group)
    const there = group.members.length + group.dials
    if (group.fruitless >= MAX_FRUITLESS && there > 0) return
    const least = Math.min(group.target.settings.minConnections, limit) - there
    const waiting = group.waiting.size - group.dials - group.verifying
    // Connections of others do not count: they may be full of what others do.
    const free = limit - group.own - group.dials
    let more = Math.min(Math.max(waiting, least), free)
    if (free <= 0 && waiting > 0) more = this.#growPastUnread(group, limit, waiting)
    if (more <= 0 || !this.#mayTopUp(group, there)) return
    const pauseMs = group.members.length > 0 ? group.failedAt + FAILURE_PAUSE_MS - this.#parts.clock.now() : 0
    if (pauseMs > 0) return this.#growLater(group, pauseMs)
    const patienceMs = this.#patienceMs(group)
    if (patienceMs > 0) {
      more = least
      this.#growLater(group, patienceMs)
    }
    for (; more > 0; more--) this.#dial(group)
  }

  /** After a change: more dials where requests still wait, or the group is forgotten. */
  settle(group: Group): void {
    if (group.waiting.size > 0 || group.opening) this.grow(group)
    else this.#parts.forget(group)
  }

  /** A connection has ended before it had room. Without an end to that, a server that takes no requests would be dialled for ever. */
  fruitless(group: Group): void {
    group.failedAt = this.#parts.clock.now()
    if (++group.fruitless < MAX_FRUITLESS || group.members.length + group.dials > 0) return this.settle(group)
    this.#fail(group, lost(group, 'the connection was closed before it took a request'))
  }

  /** Connections of its own that it may have, as far as its protocol is known. */
  #limit({ target, members }: Group): number {
    const known = members[0]?.connection.protocol ?? this.#parts.connector.knownProtocol(target)
    return known === 'h2' || known === 'http/1.1' ? target.settings.maxConnections[known] : 1
  }

  /** All connections that the origin may have are there. How many more are dialled because responses hold some that no reader has come for. */
  #growPastUnread(group: Group, limit: number, waiting: number): number {
    // One that looks in a moment is enough: whether there are any takes a look at every stream.
    if (group.later !== undefined || group.members[0]?.connection.unread === undefined) return 0
    // A connection of the caller's own is the only one, whatever it carries.
    if (group.target.alone === true) return 0
    const { own, dials, unread } = group
    const more = Math.min(waiting, limit - (own - unread) - dials)
    if (more <= 0) {
      // Responses that begin tell nobody: that would cost each of them. Requests that wait here look themselves.
      if (dials === 0) this.#growLater(group, UNREAD_PAUSE_MS)
      return 0
    }
    const free = Math.max(MAX_UNREAD, limit) - own - dials
    if (free <= 0 && dials === 0) this.#fail(group, allUnread(group))
    return Math.min(more, free)
  }

  /**
   * Whether the least number is to be made up for now. Where nobody waits, once in a while: a server that closes what carries nothing would
   * be dialled without end.
   */
  #mayTopUp(group: Group, there: number): boolean {
    if (group.waiting.size > 0 || group.opening) return true
    const now = this.#parts.clock.now()
    if (there === 0 || group.toppedUpAt + TOP_UP_PAUSE_MS > now) return false
    group.toppedUpAt = now
    return true
  }

  /** How long its requests still wait for a place on the connections of others that it has. */
  #patienceMs(group: Group): number {
    if (group.members.length === group.own || group.waiting.size === 0) return 0
    const now = this.#parts.clock.now()
    group.crowdedAt ??= now
    return group.crowdedAt + CROWDED_MS - now
  }

  /** What the others have may never be free. Nothing is dialled for those who have gone by then. */
  #growLater(group: Group, pauseMs: number): void {
    if (group.waiting.size === 0) return
    group.later ??= this.#parts.clock.startTimer(pauseMs, () => {
      group.later = undefined
      if (group.waiting.size > 0) this.grow(group)
    })
    group.later.unref()
  }

  #dial(group: Group): void {
    const { clock, connectTimeoutMs, stop, dialling } = this.#parts
    const isWanted = (): boolean => group.waiting.size > 0 || group.opening
    const pursuit = new Pursuit(clock, connectTimeoutMs, isWanted, () => group.takenAddresses())
    link(stop, pursuit)
    group.pursuits = [...group.pursuits, pursuit]
    group.dialled = dialling
      .obtain(group.target, pursuit, (connection) => group.memberOf(connection) !== undefined)
      .then(
        (member) => {
          this.#end(group, pursuit)
          this.#obtained(group, member)
        },
        (error: Error) => {
          this.#end(group, pursuit)
          // Ended because nothing waited for it: what waits since then is given another.
          if (pursuit.signal.aborted && !stop.aborted) this.settle(group)
          else this.#unavailable(group, error)
        },
      )
      .finally(() => group.dialOver())
  }

  #end(group: Group, pursuit: Pursuit): void {
    unlink(this.#parts.stop, pursuit)
    pursuit.end()
    group.pursuits = group.pursuits.filter((each) => each !== pursuit)
  }

  /** Requests of a group have left: dials that nothing waits for are ended, with the reason of the last of them. */
  review(group: Group, reason: unknown): void {
    // Connections that are wanted in any case have a time of their own.
    if (group.target.settings.minConnections > 1) return
    for (const pursuit of group.pursuits) pursuit.review(reason)
  }

  #obtained(group: Group, member: Member): void {
    const service = this.#parts.services.of(member.connection)
    // A 421 came while this one was looked for: the next one is the group's own.
    if (member.coalesced && group.target.progress.misdirected === true) return this.settle(group)
    if (service === undefined || member.connection.state !== 'open') {
      // It closed while the promise was on its way. A server that does this every time must not be dialled without end.
      if (member.coalesced) return this.settle(group)
      return this.#unavailable(group, lost(group, 'the connection was closed as soon as it was open'))
    }
    for (const { onMember } of group.takeOpening()) onMember(member)
    if (group.memberOf(member.connection) === undefined) this.#parts.services.attach(group, member, service)
    // The limit may have been lowered since it was dialled.
    if (group.members.length > 1) for (const surplus of group.surplus()) void surplus.close()
    this.grow(group)
  }

  /** A dial failed. Those who wait for nothing else hear of it; with a connection or another dial there is still hope. */
  #unavailable(group: Group, error: Error): void {
    group.failedAt = this.#parts.clock.now()
    group.target.progress.misdirected = false
    if (group.dials === 0 && group.members.length === 0) return this.#fail(group, error)
    // Not dialled again at once: a server that takes one connection and no second would be asked without end.
    if (group.members.length > 0) this.settle(group)
  }

  #fail(group: Group, error: Error): void {
    for (const { onUnavailable } of group.takeOpening()) onUnavailable(error)
    for (let waiter = group.waiting.next(); waiter !== undefined; waiter = group.waiting.next()) waiter.onUnavailable(error)
    group.fruitless = 0
    this.#parts.forget(group)
  }
}

function allUnread({ target, unread }: Group): ConnectionError {
  const origin = target.origin.serialized
  const message = `${unread} connections are held by responses that are not read: read or discard the body of each (${origin})`
  return new ConnectionError('ERR_UNREAD_RESPONSES', message, { origin, initiator: 'local', processed: 'no' })
}

function lost({ target }: Group, what: string): ConnectionError {
  const origin = target.origin.serialized
  return new ConnectionError('ERR_CONNECTION_LOST', `${what} (${origin})`, { origin, initiator: 'peer', processed: 'no' })
}
