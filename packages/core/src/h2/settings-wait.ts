/**
 * Waits for SETTINGS of the server: requests of an extended CONNECT, which must not be sent before
 * SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 §3).
 */

import { ConnectionError, textOf } from '../errors/errors.js'
import type { Exchange, ExchangeObserver } from '../transport/exchange.js'

/** The requests that wait on one connection. */
export class SettingsWait {
  readonly #requests = new Set<LateExchange>()

  /** Whether no request waits. */
  get isEmpty(): boolean {
    return this.#requests.size === 0
  }

  /**
   * Keeps a request until SETTINGS arrive.
   * @param send sends it; throws if it cannot be sent.
   * @param onLeft called if it ends before that.
   */
  keep(observer: ExchangeObserver, send: () => Exchange, onLeft: () => void): Exchange {
    const exchange = new LateExchange(observer, send, () => {
      this.#requests.delete(exchange)
      onLeft()
    })
    this.#requests.add(exchange)
    return exchange
  }

  /** Sends the requests: SETTINGS have arrived. */
  release(): void {
    for (const exchange of this.#requests) {
      this.#requests.delete(exchange)
      exchange.start()
    }
  }

  /** Fails the requests: the connection is lost, and they were not sent. @param origin of the connection. */
  fail(reason: Error, origin: string): void {
    for (const exchange of this.#requests) {
      this.#requests.delete(exchange)
      exchange.fail(reason instanceof ConnectionError ? notSent(reason, origin) : reason)
    }
  }
}

function notSent(reason: ConnectionError, origin: string): ConnectionError {
  const { initiator, errorCode, cause } = reason
  return new ConnectionError(reason.code as never, textOf(reason), { origin, initiator, errorCode, processed: 'no', cause })
}

/** Stands in for the exchange of a request until it is sent. */
class LateExchange implements Exchange {
  readonly #observer: ExchangeObserver
  readonly #send: () => Exchange
  readonly #onLeft: () => void
  #sent: Exchange | undefined
  #isOver = false

  constructor(observer: ExchangeObserver, send: () => Exchange, onLeft: () => void) {
    this.#observer = observer
    this.#send = send
    this.#onLeft = onLeft
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

  /** Sends the request, or fails it. */
  start(): void {
    try {
      this.#sent = this.#send()
    } catch (error) {
      this.fail(error as Error)
    }
  }

  /** Fails a request that has not been sent. */
  fail(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onLeft()
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
    this.#onLeft()
    this.#observer.onClosed()
  }
}
