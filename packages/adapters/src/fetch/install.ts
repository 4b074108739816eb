/** Replaces the global `fetch` with ours, and restores it. */

import type { Client } from '@unshard/core'
import { fetch as defaultFetch } from './default.js'
import type { FetchDefaults } from './defaults.js'
import { toFetchError } from './errors.js'
import { clientBehind, type Fetch, type FetchFunction, isRestricted, mayReportTimes } from './fetch.js'
import { allowOtherDispatcher, globalDispatchers, otherDispatcher } from './other-dispatchers.js'

interface Installed {
  /** The global property before the first {@link install}. */
  readonly descriptor: PropertyDescriptor | undefined
  /** The `fetch` that is installed now. */
  readonly replacement: FetchFunction
}

let installed: Installed | undefined

/**
 * Installs `fetch` as the global one; calling it again replaces only an earlier installation. Other
 * globals are untouched: `Request`, `Headers`, `Response` and `FormData` of the platform are
 * accepted and returned.
 * A call with an undici dispatcher, and every call after a dispatcher was set globally
 * (`setGlobalDispatcher(new MockAgent())`), goes to the platform's own `fetch`, with one warning;
 * it is refused if the client has a proxy, interceptors or an address policy.
 * Responses get an entry in the performance timeline, as those of the platform do.
 * @param fetch default: the process-wide `fetch` exported by this package.
 */
export function install(fetch: FetchFunction = defaultFetch): void {
  const descriptor = installed === undefined ? Object.getOwnPropertyDescriptor(globalThis, 'fetch') : installed.descriptor
  const platform = installed === undefined ? globalThis.fetch : platformFetch
  platformFetch = platform
  const timed = mayReportTimes(fetch) ? (fetch as Fetch).with({ resourceTiming: true }) : fetch
  const replacement = withForeignDispatchers(timed, platform)
  const enumerable = descriptor?.enumerable ?? true
  Object.defineProperty(globalThis, 'fetch', { value: replacement, writable: true, enumerable, configurable: true })
  installed = { descriptor, replacement }
}

let platformFetch: typeof globalThis.fetch | undefined

/**
 * Restores exactly the property that {@link install} replaced.
 * @returns false if nothing was installed, or if another `fetch` has replaced it since: that one
 * stays.
 */
export function uninstall(): boolean {
  if (installed === undefined || globalThis.fetch !== (installed.replacement as unknown)) return false
  if (installed.descriptor === undefined) Reflect.deleteProperty(globalThis, 'fetch')
  else Object.defineProperty(globalThis, 'fetch', installed.descriptor)
  installed = undefined
  return true
}

/** Wraps `ours` so that calls with a foreign dispatcher go to the platform. */
function withForeignDispatchers(ownFetch: FetchFunction, platform: typeof globalThis.fetch | undefined): FetchFunction {
  const before = globalDispatchers()
  const fetch: FetchFunction = (input, init) => {
    if (otherDispatcher(input, init, before) === undefined) return ownFetch(input, init)
    try {
      allowOtherDispatcher(clientsOf(ownFetch, init), isRestricted(ownFetch) || restricts(init))
    } catch (error) {
      return Promise.reject(toFetchError(error))
    }
    return platform!(input, init as RequestInit) as ReturnType<FetchFunction>
  }
  const derive = (ownFetch as Partial<Fetch>).with
  if (derive === undefined) return fetch
  Object.defineProperty(fetch, 'client', { get: () => (ownFetch as Fetch).client })
  return Object.assign(fetch, { with: (defaults: FetchDefaults) => withForeignDispatchers(derive(defaults), platform) })
}

/** Returns the clients that a call would use. */
function clientsOf(ownFetch: FetchFunction, init: Parameters<FetchFunction>[1]): (Client | undefined)[] {
  const own = (init as { unshard?: { client?: Client } } | undefined)?.unshard?.client
  return own === undefined ? [clientBehind(ownFetch)] : [clientBehind(ownFetch), own]
}

/** Whether a call has an address policy or interceptors of its own. */
function restricts(init: Parameters<FetchFunction>[1]): boolean {
  const { addressPolicy, interceptors } =
    (init as { unshard?: { addressPolicy?: unknown; interceptors?: unknown } } | undefined)?.unshard ?? {}
  return addressPolicy !== undefined || interceptors !== undefined
}
