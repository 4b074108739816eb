/** One request in flight, as spans and metrics see it. */

import type { Context, Span } from '@opentelemetry/api'
import type { KnownConnection } from '../observation/connections.js'

/** A request that has begun. */
export class ObservedRequest {
  readonly startedAt: number = performance.now()
  /** The span of the request; `undefined` if spans are off. */
  readonly span: Span | undefined
  /** The context with that span: the parent of dials. */
  readonly context: Context | undefined
  /** The connection on which it was sent last. */
  connection: KnownConnection | undefined
  /** Dials that this request has caused, or is linked to. */
  readonly dials: Set<number> = new Set()

  constructor(span?: Span, context?: Context) {
    this.span = span
    this.context = context
  }
}
