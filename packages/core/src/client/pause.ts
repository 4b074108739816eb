/** A wait of an interceptor, which ends with its request, whatever ends that, and leaves no timer and no listener. */

import type { InterceptedRequest } from '../message/request-options.js'
import type { Clock } from '../runtime/clock.js'
import { watchEnd } from './interceptors.js'

/** Maximum of a timer, in milliseconds. */
const MAX_DELAY_MS = 0x7fff_ffff

/** Waits. @throws the reason why the request ended, if it ends in the meantime. */
export function pause(request: InterceptedRequest, delayMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.startTimer(Math.min(delayMs, MAX_DELAY_MS), () => {
      unwatch()
      resolve()
    })
    const unwatch = watchEnd(request, {
      abort(reason) {
        timer.cancel()
        reject(reason)
      },
    })
  })
}
