/** Derives options for `coalescing()` from the responses of the servers. */

import type { CoalescingOptions } from '@unshard/coalescing'
import type { Comparison } from './compare.js'

/** Options for `coalescing()`. */
export type Configuration = Pick<CoalescingOptions, 'deny' | 'suspectStatuses' | 'wildcards'>

/**
 * Hosts for which another server answered are denied. The same gateway may serve hosts that were
 * not probed: if it answers with an error status, that status is suspected from now on; if it
 * answers with another host's content, no client can notice, and wildcards are not sufficient
 * evidence. A 421 needs no option: it costs at most one request every five minutes.
 */
export function configurationFor(comparisons: readonly Comparison[] = []): Configuration {
  const mismatches = comparisons.filter(({ outcome }) => outcome === 'other-status' || outcome === 'other-content')
  if (mismatches.length === 0) return {}
  const statuses = new Set(mismatches.map(({ shared }) => shared!.status).filter((status) => status >= 400 && status !== 421))
  return {
    deny: mismatches.map(({ origin }) => new URL(origin).hostname),
    ...(statuses.size === 0 ? {} : { suspectStatuses: [...statuses] }),
    ...(mismatches.some(({ shared }) => shared!.status < 400) ? { wildcards: 'declared' } : {}),
  }
}

/** Formats the options as source code. */
export function sourceOf({ deny, suspectStatuses, wildcards }: Configuration): string {
  const options = [
    ...(deny === undefined ? [] : [`deny: [${deny.map(quoted).join(', ')}]`]),
    ...(suspectStatuses === undefined ? [] : [`suspectStatuses: [${suspectStatuses.join(', ')}]`]),
    ...(wildcards === undefined ? [] : [`wildcards: ${quoted(wildcards)}`]),
  ]
  if (options.length === 0) return 'createClient() // the defaults of coalescing() are sufficient'
  return `createClient({ reuse: coalescing({ ${options.join(', ')} }) })`
}

function quoted(text: string): string {
  return `'${text}'`
}
