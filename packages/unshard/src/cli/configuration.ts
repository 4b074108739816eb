/** From what the servers said to options for `coalescing()`. */

import type { CoalescingOptions } from '@unshard/coalescing'
import type { Comparison } from './compare.js'

/** Ready for `coalescing()`. */
export type Configuration = Pick<CoalescingOptions, 'deny' | 'suspectStatuses' | 'wildcards'>

/**
 * Hosts behind which somebody else answered are denied. Others may be behind the same gateway that nobody has asked about: where it answers with
 * an error that is suspected from now on; where it answers with another's content no client can notice it, and wildcards prove too little.
 * A 421 needs nothing: it costs one request every five minutes at the most.
 */
export function configurationFor(comparisons: readonly Comparison[] = []): Configuration {
  const wrong = comparisons.filter(({ outcome }) => outcome === 'other-status' || outcome === 'other-content')
  if (wrong.length === 0) return {}
  const statuses = new Set(wrong.map(({ shared }) => shared!.status).filter((status) => status >= 400 && status !== 421))
  return {
    deny: wrong.map(({ origin }) => new URL(origin).hostname),
    ...(statuses.size === 0 ? {} : { suspectStatuses: [...statuses] }),
    ...(wrong.some(({ shared }) => shared!.status < 400) ? { wildcards: 'declared' } : {}),
  }
}

/** As one would write it. */
export function sourceOf({ deny, suspectStatuses, wildcards }: Configuration): string {
  const options = [
    ...(deny === undefined ? [] : [`deny: [${deny.map(quoted).join(', ')}]`]),
    ...(suspectStatuses === undefined ? [] : [`suspectStatuses: [${suspectStatuses.join(', ')}]`]),
    ...(wildcards === undefined ? [] : [`wildcards: ${quoted(wildcards)}`]),
  ]
  if (options.length === 0) return 'createClient() // coalescing() with its defaults: nothing has to be configured'
  return `createClient({ reuse: coalescing({ ${options.join(', ')} }) })`
}

function quoted(text: string): string {
  return `'${text}'`
}
