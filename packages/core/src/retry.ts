/** May this request be sent again? The one place that answers (RFC 9110 §9.2.2, RFC 9113 §8.7). */

import { ConnectionError, TransportError } from './errors.js'
import { type HttpRequest, isRepeatable } from './message/request.js'

/** Code of a request that stood behind another one in a pipeline when the connection was lost (RFC 9112 §9.3.2). */
export const LOST_BEHIND = 'ERR_PIPELINE_LOST'

/** Attempts at an origin that answers nothing meanwhile. */
const MAX_FRUITLESS = 2

/** RFC 9113 §7. */
const REFUSED_STREAM = 0x7
const HTTP_1_1_REQUIRED = 0xd

/** A refused request comes back at once, the next times after about this, doubled each time, milliseconds. */
const REFUSAL_DELAY_MS = 50
const MAX_REFUSAL_DELAY_MS = 1_000

/** Whether the server wants to be asked over HTTP/1.1. */
export function requiresHttp1(error: Error): boolean {
  return error instanceof TransportError && error.initiator === 'peer' && error.errorCode === HTTP_1_1_REQUIRED
}

/** Whether the content, if there is any, can be sent once more. */
export function canResend(request: HttpRequest): boolean {
  return request.content === undefined || request.content.replayable
}

/** The replays of one request: what has been tried, and whether once more is right. Made when the first attempt has failed. */
export class Replays {
  /** How often an unknown outcome may be tried again. */
  readonly #limit: number
  #unknown = 0
  #lostBehind = false
  #fruitless = 0
  #refusals = 0

  /** @param limit replays of a request whose outcome nobody knows. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Whether to send again after `error`, which came before any part of a response.
   *
   * 1. Content that is gone is not sent again.
   * 2. Certainly unprocessed (RFC 9113 §8.7): whatever the method, as long as the origin answers others meanwhile, else twice in all.
   * 3. The connection was lost and nobody knows: as often as the limit says, and only where twice means the same as once. The first loss behind
   *    another request of a pipeline does not count: it says more about that connection than about this request. With a limit of 0 it does.
   * 4. Everything else is an answer of a kind, and the caller's.
   *
   * @param progress whether the origin has answered, or taken, a request since this attempt was sent.
   */
  mayReplay(error: Error, request: HttpRequest, progress: boolean): boolean {
    if (!canResend(request)) return false
    if (!(error instanceof TransportError) || error.initiator === 'local') return false
    if (error.processed === 'no') {
      this.#fruitless = progress ? 0 : this.#fruitless + 1
      return this.#fruitless < MAX_FRUITLESS
    }
    if (!(error instanceof ConnectionError) || !isRepeatable(request)) return false
    if (error.code === LOST_BEHIND && !this.#lostBehind && this.#limit > 0) {
      this.#lostBehind = true
      return true
    }
    return ++this.#unknown <= this.#limit
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
