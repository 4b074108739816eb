/**
 * What a client does about reuse, for those who want to know: counts, and events on `node:diagnostics_channel`. An event that nobody
 * listens for costs a look at a flag.
 */

import { channel } from 'node:diagnostics_channel'
import type { ReuseReason } from './message/reasons.js'
import { Metrics } from './runtime/metrics.js'

/** An origin has joined a connection that was made for another one. Channel `unshard:coalesced`. */
export interface CoalescedEvent {
  /** The origin that joined. */
  readonly origin: string
  /** The number of the connection: see `ConnectionStats.id`. */
  readonly connection: number
  readonly because: ReuseReason
}

/** A connection, or a dial under way, was refused for an origin. Channel `unshard:declined`. */
export interface DeclinedEvent {
  readonly origin: string
  /** The number of the connection; `undefined` for a dial, and where nothing that was open came into question. */
  readonly connection: number | undefined
  /** The first rule that failed: see docs/reference/reasons.md. */
  readonly because: ReuseReason
}

/** A server would not answer for an origin on a shared connection (RFC 9110 §15.5.20). Channel `unshard:misdirected`. */
export interface MisdirectedEvent {
  readonly origin: string
  /** The number of the connection. */
  readonly connection: number
  /** 421, or one of the statuses that are suspected. */
  readonly status: number
}

const COALESCED = channel('unshard:coalesced')
const DECLINED = channel('unshard:declined')
const MISDIRECTED = channel('unshard:misdirected')

/** The counts of one client, and its voice on the channels, which all clients of a process share. */
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
