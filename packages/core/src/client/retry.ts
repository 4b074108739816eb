/** The option `retry`: an interceptor inside all others, which sends a request again after a status that means "later". */

import type { ClientEvent, RetryEvent } from '../diagnostics/events.js'
import { UnshardError } from '../errors/errors.js'
import { fieldList } from '../message/fields.js'
import { parseOrigin } from '../message/origin.js'
import { isIdempotent } from '../message/request.js'
import { isSentOnce, recordedBody } from '../message/request-content.js'
import type { InterceptedRequest, Interceptor } from '../message/request-options.js'
import type { Clock } from '../runtime/clock.js'
import { pause } from './pause.js'
import { type ResolvedRetryPolicy, retryDelayMs } from './status-retry.js'

/** A retry that is about to wait for its delay. */
export type Retry = Omit<RetryEvent, keyof ClientEvent>

/**
 * Returns an interceptor that retries. A body that can be read once is sent again if its first bytes, which are kept, are all that was sent.
 * @param onRetry called for each retry, before its delay.
 */
export function retrying(policy: ResolvedRetryPolicy, clock: Clock, onRetry?: (event: Retry) => void): Interceptor {
  return async (given, next) => {
    if (!hasRepeatableMethod(given)) return next(given)
    const source = recordedBody(given.body)
    const request = source === undefined ? given : given.with({ body: source })
    source?.hold()
    try {
      for (let attempts = 1; ; attempts++) {
        const response = await next(request)
        const delayMs = retryDelayMs(policy, response.status, fieldList(response.headers), attempts, clock.wallNow())
        if (delayMs === undefined || source?.replayable === false) {
          source?.release(undefined)
          return response
        }
        source?.rewind()
        onRetry?.({ origin: parseOrigin(request.url).serialized, status: response.status, attempt: attempts + 1, delayMs })
        try {
          // Until then the content may arrive, so that an HTTP/1.1 connection can be reused.
          await pause(request, delayMs, clock)
        } finally {
          response.discard()
        }
      }
    } catch (error) {
      source?.release(error, !(error instanceof UnshardError))
      throw error
    }
  }
}

/** Whether a request may be sent twice: by its method or its `idempotency-key` field, and by its body. */
export function isRepeatable(request: InterceptedRequest): boolean {
  return hasRepeatableMethod(request) && !isSentOnce(request.body)
}

function hasRepeatableMethod({ method, headers }: InterceptedRequest): boolean {
  return isIdempotent(method) || headers.has('idempotency-key')
}
