/** A server process as its connections see it. */

import type { Kernel } from '../kernel/kernel.js'
import type { Ledger } from '../ledger/ledger.js'
import type { ServerEnd } from '../network/flow.js'
import type { Machine } from '../network/machine.js'
import type { ServerScript } from '../script/script.js'
import type { RequestHead, ServerExchange } from './exchange.js'
import type { ServerModel } from './model.js'

/** A connection that can be ended. */
export interface ServerConnection {
  /** Gracefully. */
  shutdown(): void
  /** As its process dies. */
  kill(): void
  /** Part of the client's connection window that was used and not given back; from 0 to 1. */
  missingCredit?(): number
}

/** The process that has accepted a connection. */
export interface ConnectionOwner {
  readonly kernel: Kernel
  readonly ledger: Ledger
  readonly machine: Machine
  readonly script: ServerScript
  readonly model: ServerModel
  readonly connections: Set<ServerConnection>
  /** Tickets that it knows. */
  readonly tickets: Set<string>
  /** Executes a request, or answers for a host that it does not have. */
  take(exchange: ServerExchange, end: ServerEnd): void
  /** Notes a request that is not executed. */
  refuse(head: RequestHead, end: ServerEnd): void
  /** Whether an ill server refuses this stream. */
  refusesNext(): boolean
  /** Judges a complete upload. */
  checkUpload(id: number, received: number): void
  /** Notes that it ends a connection because of its client. */
  complain(why: string, end: ServerEnd): void
  /** Notes a PING or a RST_STREAM of the client. */
  noteFrame(end: ServerEnd, kind: 'pings' | 'resets'): void
  /** Sends FIN, and reads on for the lingering time, so that the last bytes arrive. */
  closeSlowly(end: ServerEnd): void
}
