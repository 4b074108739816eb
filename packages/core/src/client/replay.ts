/** May this request be sent again? The one place that answers (RFC 9110 §9.2.2, RFC 9113 §8.7). */

import { ConnectionError, TransportError } from '../errors/errors.js'
import { type HttpRequest, isRepeatable } from '../message/request.js'
import type { Connection } from '../transport/connection.js'
import type { Loss } from '../transport/exchange.js'

/** Code of a request that stood behind another one in a pipeline when the connection was lost (RFC 9112 §9.3.2). */
export const LOST_BEHIND = 'ERR_PIPELINE_LOST'

/** Attempts at an origin that answers nothing meanwhile. */
const MAX_REPLAYS_WITHOUT_PROGRESS = 2

/** RFC 9113 §7. */
const REFUSED_STREAM = 0x7
const ENHANCE_YOUR_CALM = 0xb
const HTTP_1_1_REQUIRED = 0xd

/** A refused request comes back at once, the next times after about this, doubled each time, milliseconds. */
const REFUSAL_DELAY_MS = 50
const MAX_REFUSAL_DELAY_MS = 1_000

/** Whether the server wants to be asked over HTTP/1.1. */
export function requiresHttp1(error: Error): boolean {
  return error instanceof TransportError && error.initiator === 'peer' && error.errorCode === HTTP_1_1_REQUIRED
}

/** Whether another connection may do better: this one was lost, the server was overloaded on it, or denied a stream that it had answered. */
function isPassing(error: TransportError): boolean {
  return error instanceof ConnectionError || error.errorCode === ENHANCE_YOUR_CALM || error.errorCode === REFUSED_STREAM
}

/** Whether the content, if there is any, can be sent once more. */
export function canResend(request: HttpRequest): boolean {
  return request.content === undefined || request.content.replayable
}

/** The replays of one request: what has been tried, and whether once more is right. Made when the first attempt has failed. */
export class ReplayState {
  /** How often an unknown outcome may be tried again. */
  readonly #limit: number
  #unknown = 0
  #lostBehind = false
  #lostTogether = false
  #withoutProgress = 0
  #refusals = 0

  /** @param limit replays of a request whose outcome is unknown. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Whether and how to send again after `error`, which came before any part of a response.
   *
   * 1. Content that is gone is not sent again.
   * 2. Certainly unprocessed (RFC 9113 §8.7): whatever the method, as long as the origin answers others meanwhile, else twice in all.
   * 3. The connection was lost, or the server was overloaded on it, and the outcome is unknown: as often as the limit says, and only
   *    where twice means the same as once. With a limit of 0, never. Two losses do not count, once each, because they say more about the
   *    connection than about this request: the first behind another request of a pipeline, and the first that other requests shared.
   * 4. Everything else is an answer of a kind, and the caller's.
   *
   * A request that has lost connections together with others goes `apart` from the second time on, and one that the server has named as
   * the cause at once: it must not take the others along again. So at most limit + 2 deliveries.
   * @param progress whether the origin has answered, or taken, a request since this attempt was sent.
   */
  next(error: Error, request: HttpRequest, progress: boolean, loss: Loss = 'alone'): 'none' | 'together' | 'apart' {
    if (!canResend(request) || !(error instanceof TransportError) || error.initiator === 'local') return 'none'
    if (error.processed === 'no') {
      this.#withoutProgress = progress ? 0 : this.#withoutProgress + 1
      return this.#withoutProgress < MAX_REPLAYS_WITHOUT_PROGRESS ? 'together' : 'none'
    }
    if (this.#limit === 0 || !isRepeatable(request) || !isPassing(error)) return 'none'
    if (error.code === LOST_BEHIND && !this.#lostBehind) {
      this.#lostBehind = true
      return 'together'
    }
    const others = loss === 'shared' || loss === 'neighbor'
    if (others && !this.#lostTogether) {
      this.#lostTogether = true
      return 'together'
    }
    if (++this.#unknown > this.#limit) return 'none'
    return others || loss === 'culprit' ? 'apart' : 'together'
  }

  /**
   * How long to wait before that, milliseconds. A server that refuses streams and goes on is given time from the second refusal on;
   * where the connection is gone there is nothing to wait for.
   */
  delayMs(error: Error): number {
    if (!(error instanceof TransportError) || error.errorCode !== REFUSED_STREAM) return 0
    const refusals = this.#refusals++
    if (refusals === 0) return 0
    return Math.min(MAX_REFUSAL_DELAY_MS, REFUSAL_DELAY_MS * 2 ** (refusals - 1)) * (0.5 + Math.random() / 2)
  }
}

/**
 * Whether the origin has taken requests on a connection that is ending: then it drains, and does not refuse. A connection older than the
 * call proves nothing by closing, because there are only so many of them; nor does a full one.
 * @param newestBefore id of the newest connection when the call started.
 */
export function tookRequests(connection: Connection | undefined, newestBefore: number): boolean {
  if (connection === undefined) return false
  if (connection.state === 'open') return connection.capacity === 0 && connection.active > 0
  return connection.id <= newestBefore || (connection.state === 'draining' && connection.active > 0)
}
