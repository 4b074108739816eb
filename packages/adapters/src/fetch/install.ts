/** Ours in the place of the global `fetch`, and the global's own back again. */

import { fetch as defaultFetch } from './default.js'
import type { Fetch } from './fetch.js'

/** What stood there before the first {@link install}, and what stands there now. */
let replaced: { readonly descriptor: PropertyDescriptor | undefined; readonly by: Fetch } | undefined

/**
 * Makes `fetch` the global one; again, with the same or another, replaces only what was installed. Nothing else of the global object is
 * touched: its `Request`, `Headers`, `Response` and `FormData` are understood and given back.
 * @param fetch default: the one of the process, which this package exports.
 */
export function install(fetch: Fetch = defaultFetch): void {
  const descriptor = replaced === undefined ? Object.getOwnPropertyDescriptor(globalThis, 'fetch') : replaced.descriptor
  const enumerable = descriptor?.enumerable ?? true
  Object.defineProperty(globalThis, 'fetch', { value: fetch, writable: true, enumerable, configurable: true })
  replaced = { descriptor, by: fetch }
}

/**
 * Puts back exactly what {@link install} found.
 * @returns false where nothing was installed, or where somebody has put their own over it since: that stays.
 */
export function uninstall(): boolean {
  if (replaced === undefined || globalThis.fetch !== (replaced.by as unknown)) return false
  if (replaced.descriptor === undefined) Reflect.deleteProperty(globalThis, 'fetch')
  else Object.defineProperty(globalThis, 'fetch', replaced.descriptor)
  replaced = undefined
  return true
}
