/** Wraps a dispatcher in interceptors, as undici composes them. */

import type { ComposedDispatcher, Dispatch, DispatchHandler, Dispatching, DispatchOptions, Interceptor } from './contract.js'
import { BothGenerations, isControllerHandler } from './generations.js'

/**
 * Returns the dispatcher with another `dispatch`; everything else, events included, is unchanged.
 * @throws TypeError for an invalid interceptor, as undici does.
 */
export function compose(
  dispatcher: object & Dispatching,
  interceptors: readonly (Interceptor | null | undefined)[],
): ComposedDispatcher {
  let dispatch: Dispatch = (options, handler) => dispatcher.dispatch(options, handler)
  for (const interceptor of interceptors) {
    if (interceptor === null || interceptor === undefined) continue
    if (typeof interceptor !== 'function') {
      throw new TypeError(`invalid interceptor, expected function received ${typeof interceptor}`)
    }
    const next = interceptor(dispatch)
    if (typeof next !== 'function' || next.length !== 2) throw new TypeError('invalid interceptor')
    dispatch = (options: DispatchOptions, handler: DispatchHandler) => next(options, forBoth(handler))
  }
  const composed: object = new Proxy(dispatcher, {
    get(target, key) {
      if (key === 'dispatch') return dispatch
      if (key === 'compose')
        return (...interceptors: Interceptor[]) => compose(composed as ComposedDispatcher, interceptors.flat())
      const value: unknown = Reflect.get(target, key, target)
      // These methods dispatch: send them through the interceptors.
      if (typeof value === 'function' && THROUGH_DISPATCH.has(key)) return value.bind(composed)
      // Private members are accessible on the dispatcher only, not on the proxy.
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return composed as ComposedDispatcher
}

const THROUGH_DISPATCH: ReadonlySet<string | symbol> = new Set(['request', 'stream', 'pipeline', 'connect', 'upgrade'])

function forBoth(handler: DispatchHandler): DispatchHandler {
  if (typeof handler !== 'object' || handler === null || isControllerHandler(handler)) return handler
  return new BothGenerations(handler)
}
