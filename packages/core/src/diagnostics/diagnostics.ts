/**
 * Reports what one client does: counters, and events on `node:diagnostics_channel`. An event
 * without subscribers costs one flag check.
 */

import { Metrics } from '../runtime/metrics.js'
import { printable } from '../schema/option-checks.js'
import type { CloseReason, Connection, ConnectionWatcher, GoawayDetails } from '../transport/connection.js'
import type { Address } from '../transport/route.js'
import type { Target } from '../transport/target.js'
import { CHANNELS, OPERATIONS } from './channels.js'
import { DialTrace, isDialTraced } from './dial-trace.js'
import type { ClosedEvent, CoalescedEvent, DeclinedEvent, MisdirectedEvent, ResolveEvent, RetryEvent } from './events.js'
import { Operation } from './operation.js'

let lastClientId = 0

/** The counters of one client, and its events. All clients of a process share the channels. */
export class Diagnostics implements ConnectionWatcher {
  /** The option `name` of the client. */
  readonly client: string | undefined
  /** Unique in the process. */
  readonly id: number = ++lastClientId
  /** Counters of this client. */
  readonly metrics: Metrics = new Metrics()

  constructor(client?: string) {
    this.client = client
  }

  coalesced(event: Omit<CoalescedEvent, 'client'>): void {
    if (CHANNELS.coalesced.hasSubscribers) CHANNELS.coalesced.publish({ client: this.client, ...event })
  }

  declined(event: Omit<DeclinedEvent, 'client'>): void {
    this.metrics.decline(event.because)
    if (CHANNELS.declined.hasSubscribers) CHANNELS.declined.publish({ client: this.client, ...event })
  }

  misdirected(event: Omit<MisdirectedEvent, 'client'>): void {
    this.metrics.misdirected++
    if (CHANNELS.misdirected.hasSubscribers) CHANNELS.misdirected.publish({ client: this.client, ...event })
  }

  /** Begins to report a dial; `undefined` without subscribers. */
  dial(target: Target, addresses: readonly Address[]): DialTrace | undefined {
    return isDialTraced() ? new DialTrace(this.client, target, addresses) : undefined
  }

  /** Begins to report a lookup; `undefined` without subscribers. */
  resolve(origin: string, host: string): Operation<ResolveEvent> | undefined {
    return Operation.prepare<ResolveEvent>(OPERATIONS.resolve, () => ({ client: this.client, origin, host }))
  }

  goaway(connection: Connection, { lastStreamId, errorCode, debugData }: GoawayDetails): void {
    this.metrics.goaways++
    if (CHANNELS.goaway.hasSubscribers) {
      const shown = printable(debugData)
      CHANNELS.goaway.publish({ ...this.#about(connection), lastStreamId, errorCode, debugData: shown })
    }
  }

  ping(connection: Connection, roundTripMs: number): void {
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

  retry(event: Omit<RetryEvent, 'client'>): void {
    this.metrics.replayed++
    if (CHANNELS.retry.hasSubscribers) CHANNELS.retry.publish({ client: this.client, ...event })
  }

  #about({ id, route }: Connection): { client: string | undefined; origin: string; connection: number } {
    return { client: this.client, origin: route.origin.serialized, connection: id }
  }
}
