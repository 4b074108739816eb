/**
 * Decides whether a request may be sent again. The only place that does (RFC 9110 §9.2.2, RFC 9113
 * §8.7).
 */

import { ConnectionError, TransportError } from '../errors/errors.js'
import { type HttpRequest, isRepeatable } from '../message/request.js'
import type { Connection } from '../transport/connection.js'
import type { Loss } from '../transport/exchange.js'

/**
 * Code of a request that was behind another one in a pipeline when the connection was lost (RFC
 * 9112 §9.3.2).
 */
export const LOST_BEHIND = 'ERR_PIPELINE_LOST'

/**
 * Maximum attempts at an origin that answers no other request in between. More than two, because
 * the connections of several attempts may be dialed before the first one has shown that its
 * address is ill.
 */
const MAX_ATTEMPTS_WITHOUT_PROGRESS = 4

/** RFC 9113 §7. */
const REFUSED_STREAM = 0x7
const ENHANCE_YOUR_CALM = 0xb
const HTTP_1_1_REQUIRED = 0xd

/**
 * Delay before the second replay of a refused request, in milliseconds, doubled each time. The
 * first replay is immediate.
 */
const REFUSAL_DELAY_MS = 50
const MAX_REFUSAL_DELAY_MS = 1_000

/** Whether the server requires HTTP/1.1. */
export function requiresHttp1(error: Error): boolean {
  return error instanceof TransportError && error.initiator === 'peer' && error.errorCode === HTTP_1_1_REQUIRED
}

/**
 * Whether another connection may succeed: this one was lost or overloaded, or refused a stream it
 * had accepted.
 */
function isPassing(error: TransportError): boolean {
  return error instanceof ConnectionError || error.errorCode === ENHANCE_YOUR_CALM || error.errorCode === REFUSED_STREAM
}

/** Whether the request has no content, or content that can be sent again. */
export function canResend(request: HttpRequest): boolean {
  return request.content === undefined || request.content.replayable
}

/**
 * The replays of one request so far, and whether another is allowed. Created when the first attempt
 * fails.
 */
export class ReplayState {
  /** Maximum number of replays with an unknown outcome. */
  readonly #limit: number
  #unknown = 0
  /** Whether a loss was not counted. */
  #excused = false
  #withoutProgress = 0
  #refusals = 0

  /** @param limit maximum number of replays of a request whose outcome is unknown. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Decides whether and how to replay after `error`, which came before any part of a response.
   *
   * 1. Consumed content cannot be sent again.
   * 2. Certainly unprocessed (RFC 9113 §8.7): replay any method, as long as the origin answers
   *    other requests in between, else four attempts in total.
   * 3. The connection was lost, or the server was overloaded on it, and the outcome is unknown:
   *    replay up to `limit` times, and only repeatable requests. With a limit of 0, never. One
   *    loss does not count, because it is more likely caused by the connection than by this
   *    request: the first one behind another request of a pipeline, or shared with other requests.
   * 4. Any other error is final, and goes to the caller.
   *
   * A request that has lost connections together with others is sent `apart` from the second loss
   * on, and a request that the server named as the cause at once: it must not end other requests
   * again. So there are at most limit + 2 deliveries.
   * @param progress whether the origin has answered or accepted a request since this attempt was
   *   sent.
   */
  next(error: Error, request: HttpRequest, progress: boolean, loss: Loss = 'alone'): 'none' | 'together' | 'apart' {
    if (!canResend(request) || !(error instanceof TransportError) || error.initiator === 'local') return 'none'
    if (error.processed === 'no') {
      this.#withoutProgress = progress ? 0 : this.#withoutProgress + 1
      return this.#withoutProgress < MAX_ATTEMPTS_WITHOUT_PROGRESS ? 'together' : 'none'
    }
    if (this.#limit === 0 || !isRepeatable(request) || !isPassing(error)) return 'none'
    const others = loss === 'shared' || loss === 'neighbor' || error.code === LOST_BEHIND
    if (others && !this.#excused) {
      this.#excused = true
      return 'together'
    }
    if (++this.#unknown > this.#limit) return 'none'
    return others || loss === 'culprit' ? 'apart' : 'together'
  }

  /**
   * Delay before the replay, in milliseconds. Only a server that refuses streams repeatedly gets a
   * delay; after a lost connection it would not help.
   */
  delayMs(error: Error): number {
    if (!(error instanceof TransportError) || error.errorCode !== REFUSED_STREAM) return 0
    const refusals = this.#refusals++
    if (refusals === 0) return 0
    return Math.min(MAX_REFUSAL_DELAY_MS, REFUSAL_DELAY_MS * 2 ** (refusals - 1)) * (0.5 + Math.random() / 2)
  }
}

/**
 * Whether the origin took requests on a connection that is ending: then it drains, and does not
 * refuse. The closing of a connection older than the call proves nothing, because their number is
 * limited; nor does a full connection.
 * @param newestBefore id of the newest connection when the call started.
 */
export function tookRequests(connection: Connection | undefined, newestBefore: number): boolean {
  if (connection === undefined) return false
  if (connection.state === 'open') return connection.capacity === 0 && connection.active > 0
  return connection.id <= newestBefore || (connection.state === 'draining' && connection.active > 0)
}
