/** Ours in the place of the global `fetch`, and the global's own back again. */

import type { Client } from '@unshard/core'
import { fetch as defaultFetch } from './default.js'
import type { FetchDefaults } from './defaults.js'
import { toFetchError } from './errors.js'
import { clientBehind, type Fetch, type FetchFunction } from './fetch.js'
import { allowOtherDispatcher, globalDispatchers, otherDispatcher } from './other-dispatchers.js'

interface Installed {
  /** What stood there before the first {@link install}. */
  readonly descriptor: PropertyDescriptor | undefined
  /** What stands there now. */
  readonly by: FetchFunction
}

let installed: Installed | undefined

/**
 * Makes `fetch` the global one; again, with the same or another, replaces only what was installed. Nothing else of the global object is
 * touched: its `Request`, `Headers`, `Response` and `FormData` are understood and given back.
 *
 * A call with a dispatcher of undici, and every call after a dispatcher was set globally (`setGlobalDispatcher(new MockAgent())`), goes to the platform's
 * own `fetch`, with one warning; it is refused where the client has a proxy, interceptors or an address policy.
 * @param fetch default: the one of the process, which this package exports.
 */
export function install(fetch: FetchFunction = defaultFetch): void {
  const descriptor = installed === undefined ? Object.getOwnPropertyDescriptor(globalThis, 'fetch') : installed.descriptor
  const platform = installed === undefined ? globalThis.fetch : platformFetch
  platformFetch = platform
  const by = obeying(fetch, platform)
  const enumerable = descriptor?.enumerable ?? true
  Object.defineProperty(globalThis, 'fetch', { value: by, writable: true, enumerable, configurable: true })
  installed = { descriptor, by }
}

let platformFetch: typeof globalThis.fetch | undefined

/**
 * Puts back exactly what {@link install} found.
 * @returns false where nothing was installed, or where another `fetch` was put over it since: that stays.
 */
export function uninstall(): boolean {
  if (installed === undefined || globalThis.fetch !== (installed.by as unknown)) return false
  if (installed.descriptor === undefined) Reflect.deleteProperty(globalThis, 'fetch')
  else Object.defineProperty(globalThis, 'fetch', installed.descriptor)
  installed = undefined
  return true
}

/** `ours`, but for calls that another's dispatcher is for. */
function obeying(ours: FetchFunction, platform: typeof globalThis.fetch | undefined): FetchFunction {
  const before = globalDispatchers()
  const fetch: FetchFunction = (input, init) => {
    if (otherDispatcher(input, init, before) === undefined) return ours(input, init)
    try {
      allowOtherDispatcher(involved(ours, init))
    } catch (error) {
      return Promise.reject(toFetchError(error))
    }
    return platform!(input, init as RequestInit) as ReturnType<FetchFunction>
  }
  const derive = (ours as Partial<Fetch>).with
  if (derive === undefined) return fetch
  return Object.assign(fetch, { with: (defaults: FetchDefaults) => obeying(derive(defaults), platform) })
}

/** The clients that a call would use. */
function involved(ours: FetchFunction, init: Parameters<FetchFunction>[1]): (Client | undefined)[] {
  const own = (init as { unshard?: { client?: Client } } | undefined)?.unshard?.client
  return own === undefined ? [clientBehind(ours)] : [clientBehind(ours), own]
}
