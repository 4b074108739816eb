/** Waits of interceptors: each ends with its request, whatever ends that, and leaves no timer and no listener. */

import type { HttpResponse, InterceptedRequest } from '@unshard/core'
import { linkAbort, unlinkAbort, watchEnd } from '@unshard/core/internal'

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
