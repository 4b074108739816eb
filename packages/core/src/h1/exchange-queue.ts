/** The requests of one HTTP/1.1 connection, in the order in which they are sent and answered (RFC 9112 §9.3). */

import type { Carrier } from '../transport/route.js'
import type { H1Exchange } from './exchange.js'

/** How a connection ends, for the errors of its requests. */
export interface ConnectionEnd {
  readonly message: string
  readonly cause?: Error | undefined
  /** Whether a part of the first response has arrived. */
  readonly begun: boolean
  /** Whether the request that caused the end was already notified. */
  readonly blamed: boolean
}

/** One queue. At most one of its requests is exclusive, and then it is the last one. */
export class ExchangeQueue {
  #exchanges: H1Exchange[] = []
  /** A request that must not share the connection with others. */
  #exclusive: H1Exchange | undefined

  get size(): number {
    return this.#exchanges.length
  }

  get first(): H1Exchange | undefined {
    return this.#exchanges[0]
  }

  /** Whether a request is queued that others must not follow. */
  get hasExclusive(): boolean {
    return this.#exclusive !== undefined
  }

  /** All requests, in order. */
  get all(): readonly H1Exchange[] {
    return this.#exchanges
  }

  add(exchange: H1Exchange): void {
    if (!exchange.pipelined) this.#exclusive = exchange
    this.#exchanges.push(exchange)
  }

  /** Position of a request, or -1. */
  indexOf(exchange: H1Exchange): number {
    return this.#exchanges.indexOf(exchange)
  }

  remove(exchange: H1Exchange): void {
    const index = this.indexOf(exchange)
    if (index === 0) this.#exchanges.shift()
    else if (index > 0) this.#exchanges.splice(index, 1)
    if (this.#exclusive === exchange) this.#exclusive = undefined
  }

  /** Removes the requests from `index` on, and returns them. */
  takeFrom(index: number): H1Exchange[] {
    const taken = this.#exchanges.splice(index)
    if (this.#exclusive !== undefined && taken.includes(this.#exclusive)) this.#exclusive = undefined
    return taken
  }

  /** Writes the requests that may be sent now. One that is exclusive waits until it is the first. */
  write(socket: Carrier): void {
    const several = this.#exchanges.length > 1
    if (several) socket.cork()
    for (const exchange of this.#exchanges) {
      if (exchange.written) continue
      if (exchange !== this.first && !exchange.pipelined) break
      exchange.send()
    }
    if (several) socket.uncork()
  }
}

/** Fails requests whose connection has ended. Only the first one that was written may have caused it. */
export function failAll(exchanges: readonly H1Exchange[], { message, cause, begun, blamed }: ConnectionEnd): void {
  let first = !blamed
  for (const [index, exchange] of exchanges.entries()) {
    const { written } = exchange
    exchange.lost(message, cause, { first: first && written, begun: begun && index === 0 })
    if (written) first = false
  }
}
