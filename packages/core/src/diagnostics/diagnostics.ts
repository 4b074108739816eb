/**
 * Reports what one client does: counters, and events on `node:diagnostics_channel`. An event
 * without subscribers costs one flag check.
 */

import { Durations } from '../runtime/durations.js'
import { Metrics } from '../runtime/metrics.js'
import { printable } from '../schema/option-checks.js'
import type { CloseReason, Connection, ConnectionWatcher, DialTimes, GoawayDetails } from '../transport/connection.js'
import type { Address } from '../transport/route.js'
import type { Target } from '../transport/target.js'
import { announceChannels } from './announce.js'
import { CHANNELS, OPERATIONS } from './channels.js'
import { logIfAsked } from './debug-log.js'
import { DialTrace, isDialTraced } from './dial-trace.js'
import type {
  ClientEvent,
  ClosedEvent,
  CoalescedEvent,
  DeclinedEvent,
  MisdirectedEvent,
  ResolveEvent,
  RetryEvent,
} from './events.js'
import { Operation } from './operation.js'

/** On the global object: several copies of this package share the channels. */
const LAST_ID = Symbol.for('unshard.lastClientId')

function nextClientId(): number {
  const shared = globalThis as { [LAST_ID]?: number }
  const id = (shared[LAST_ID] ?? 0) + 1
  shared[LAST_ID] = id
  return id
}

/** The counters of one client, and its events. All clients of a process share the channels. */
export class Diagnostics implements ConnectionWatcher {
  /** The members of every message: the option `name` of the client, and its id. */
  readonly identity: ClientEvent
  /** Counters of this client. */
  readonly metrics: Metrics = new Metrics()
  /** Durations of this client. */
  readonly durations: Durations = new Durations()

  constructor(client?: string) {
    this.identity = { client, clientId: nextClientId() }
    announceChannels()
    logIfAsked()
  }

  coalesced(event: Omit<CoalescedEvent, keyof ClientEvent>): void {
    if (CHANNELS.coalesced.hasSubscribers) CHANNELS.coalesced.publish({ ...this.identity, ...event })
  }

  declined(event: Omit<DeclinedEvent, keyof ClientEvent>): void {
    this.metrics.decline(event.because)
    if (CHANNELS.declined.hasSubscribers) CHANNELS.declined.publish({ ...this.identity, ...event })
  }

  misdirected(event: Omit<MisdirectedEvent, keyof ClientEvent>): void {
    this.metrics.misdirected++
    if (CHANNELS.misdirected.hasSubscribers) CHANNELS.misdirected.publish({ ...this.identity, ...event })
  }

  /** Begins to report a dial; `undefined` without subscribers. */
  dial(target: Target, addresses: readonly Address[]): DialTrace | undefined {
    return isDialTraced() ? new DialTrace(this.identity, target, addresses) : undefined
  }

  /** Begins to report a lookup; `undefined` without subscribers. */
  resolve(origin: string, host: string): Operation<ResolveEvent> | undefined {
    return Operation.prepare<ResolveEvent>(OPERATIONS.resolve, () => ({ ...this.identity, origin, host }))
  }

  /** Records the durations of a dial. */
  dialed({ dnsMs, connectMs, tlsMs }: DialTimes): void {
    // A cached answer and a connection without TLS take no time.
    if (dnsMs > 0) this.durations.record('dns', dnsMs)
    this.durations.record('connect', connectMs)
    if (tlsMs > 0) this.durations.record('tls', tlsMs)
  }

  goaway(connection: Connection, { lastStreamId, errorCode, debugData }: GoawayDetails): void {
    this.metrics.goaways++
    if (CHANNELS.goaway.hasSubscribers) {
      const shown = printable(debugData)
      CHANNELS.goaway.publish({ ...this.#about(connection), lastStreamId, errorCode, debugData: shown })
    }
  }

  ping(connection: Connection, roundTripMs: number): void {
    this.durations.record('ping', roundTripMs)
    if (CHANNELS.ping.hasSubscribers) CHANNELS.ping.publish({ ...this.#about(connection), roundTripMs })
  }

  drain(connection: Connection, reason: CloseReason): void {
    if (!CHANNELS.drain.hasSubscribers) return
    CHANNELS.drain.publish({ ...this.#about(connection), active: connection.active, reason })
  }

  closed(connection: Connection, event: Pick<ClosedEvent, 'reason' | 'openMs' | 'requests'>): void {
    this.metrics.close(event.reason)
    if (CHANNELS.closed.hasSubscribers) CHANNELS.closed.publish({ ...this.#about(connection), ...event })
  }

  retry(event: Omit<RetryEvent, keyof ClientEvent>): void {
    this.metrics.replayed++
    if (CHANNELS.retry.hasSubscribers) CHANNELS.retry.publish({ ...this.identity, ...event })
  }

  #about({ id, route }: Connection): ClientEvent & { origin: string; connection: number } {
    return { ...this.identity, origin: route.origin.serialized, connection: id }
  }
}
