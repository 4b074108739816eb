/** Waits of interceptors: each ends with its request, whatever ends that, and leaves no timer and no listener. */

import type { Clock, HttpResponse, InterceptedRequest } from '@unshard/core'
import { linkAbort, unlinkAbort, watchEnd } from '@unshard/core/internal'

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

/** Settles like `promise`, which other requests may share, or rejects when the request ends. */
export function whileOpen<Value>(request: InterceptedRequest, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const unwatch = watchEnd(request, { abort: reject })
    promise.then(resolve, reject).finally(unwatch)
  })
}

/** Lets the signal of a request abort the rest of a response that was asked for with another signal. Ends with the content. */
export function abortWith({ signal }: InterceptedRequest, response: HttpResponse, controller: AbortController): void {
  if (signal === undefined || signal === null) return
  const target = { abort: (reason: unknown) => controller.abort(reason) }
  linkAbort(signal, target)
  response.onOver(() => unlinkAbort(signal, target))
}
