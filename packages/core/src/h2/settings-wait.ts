/**
 * Waits for SETTINGS of the server: requests of an extended CONNECT, which must not be sent before
 * SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 §3).
 */

import type { Exchange, ExchangeObserver } from '../transport/exchange.js'

interface LateRequest {
  readonly exchange: LateExchange
  readonly send: () => Exchange
}

/** The requests that wait on one connection. */
export class SettingsWait {
  readonly #requests: LateRequest[] = []

  /** Keeps a request until SETTINGS arrive. @param send throws if it cannot be sent. */
  keep(observer: ExchangeObserver, send: () => Exchange): Exchange {
    const exchange = new LateExchange(observer)
    this.#requests.push({ exchange, send })
    return exchange
  }

  /** Sends the requests: SETTINGS have arrived. */
  release(): void {
    for (const { exchange, send } of this.#requests.splice(0)) exchange.start(send)
  }

  /** Fails requests that were not sent: the connection is lost. */
  fail(reason: Error): void {
    for (const { exchange } of this.#requests.splice(0)) exchange.fail(reason)
  }
}

/** Stands in for the exchange of a request until it is sent. */
class LateExchange implements Exchange {
  readonly #observer: ExchangeObserver
  #sent: Exchange | undefined
  #isOver = false

  constructor(observer: ExchangeObserver) {
    this.#observer = observer
  }

  get trailers(): readonly string[] | undefined {
    return this.#sent?.trailers
  }

  get sentBytes(): number {
    return this.#sent?.sentBytes ?? 0
  }

  get sending(): boolean {
    return this.#sent?.sending ?? true
  }

  get unwrittenBytes(): number {
    return this.#sent?.unwrittenBytes ?? 0
  }

  /** Sends the request. @param send throws if it cannot be sent. */
  start(send: () => Exchange): void {
    if (this.#isOver) return
    try {
      this.#sent = send()
    } catch (error) {
      this.fail(error as Error)
    }
  }

  /** Fails a request that has not been sent. */
  fail(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#observer.onError(error)
    this.#observer.onClosed()
  }

  reprioritize(priority: string): boolean {
    return this.#sent?.reprioritize(priority) ?? false
  }

  abort(reason: unknown): void {
    if (this.#sent !== undefined) return this.#sent.abort(reason)
    if (this.#isOver) return
    this.#isOver = true
    this.#observer.onClosed()
  }
}
