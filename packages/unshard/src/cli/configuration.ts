/** From what the servers said to options for `coalescing()`. */

import type { CoalescingOptions } from '@unshard/coalescing'
import type { Comparison } from './compare.js'

/** Ready for `coalescing()`. */
export type Configuration = Pick<CoalescingOptions, 'deny'>

/**
 * Hosts behind which somebody else answered are denied: no client can notice that later. A 421 needs nothing: it costs one request every
 * five minutes at the most.
 */
export function configurationFor(comparisons: readonly Comparison[] = []): Configuration {
  const wrong = comparisons.filter(({ outcome }) => outcome === 'other-status' || outcome === 'other-content')
  return wrong.length === 0 ? {} : { deny: wrong.map(({ origin }) => new URL(origin).hostname) }
}

/** As one would write it. */
export function sourceOf({ deny }: Configuration): string {
  if (deny === undefined) return 'createClient() // coalescing() with its defaults: nothing has to be configured'
  return `createClient({ reuse: coalescing({ deny: [${deny.map((host) => `'${host}'`).join(', ')}] }) })`
}
