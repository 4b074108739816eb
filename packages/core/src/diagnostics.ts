/**
 * Reports reuse: counters, and events on `node:diagnostics_channel`. An event without subscribers
 * costs one flag check.
 */

import { channel } from 'node:diagnostics_channel'
import type { ReuseReason } from './message/reasons.js'
import { Metrics } from './runtime/metrics.js'

/** An origin joined a connection made for another one. Channel `unshard:coalesced`. */
export interface CoalescedEvent {
  /** The origin that joined. */
  readonly origin: string
  /** The id of the connection: see `ConnectionStats.id`. */
  readonly connection: number
  readonly because: ReuseReason
}

/** A connection or a pending dial was refused for an origin. Channel `unshard:declined`. */
export interface DeclinedEvent {
  readonly origin: string
  /** The id of the connection; `undefined` for a dial, or if there was no candidate. */
  readonly connection: number | undefined
  /** The first rule that failed: see docs/reference/reasons.md. */
  readonly because: ReuseReason
}

/**
 * A server answered 421 for an origin on a shared connection (RFC 9110 §15.5.20). Channel
 * `unshard:misdirected`.
 */
export interface MisdirectedEvent {
  readonly origin: string
  /** The id of the connection. */
  readonly connection: number
  /** 421, or one of the suspected statuses. */
  readonly status: number
}

const COALESCED = channel('unshard:coalesced')
const DECLINED = channel('unshard:declined')
const MISDIRECTED = channel('unshard:misdirected')

/** The counters of one client, and its events. All clients of a process share the channels. */
export class Diagnostics {
  /** Counters of this client. */
  readonly metrics: Metrics = new Metrics()

  coalesced(event: CoalescedEvent): void {
    if (COALESCED.hasSubscribers) COALESCED.publish(event)
  }

  declined(event: DeclinedEvent): void {
    this.metrics.decline(event.because)
    if (DECLINED.hasSubscribers) DECLINED.publish(event)
  }

  misdirected(event: MisdirectedEvent): void {
    this.metrics.misdirected++
    if (MISDIRECTED.hasSubscribers) MISDIRECTED.publish(event)
  }
}
