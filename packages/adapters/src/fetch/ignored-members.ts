/**
 * Members of `init` that decide in other libraries where a request goes. The Fetch standard ignores
 * unknown members; ignoring these causes one warning.
 */

const HINTS: ReadonlyMap<string, string> = new Map([
  ['agent', 'use the options of createClient() (tls, proxy, lookup, maxConnectionsPerOrigin), or init.unshard.client'],
  ['proxy', 'use createClient({ proxy }) and createFetch(client)'],
])
const warned = new Set<string>()

/** Warns for the first member of each name in the process. Costs one lookup for other names. */
export function warnIfIgnored(name: string, value: unknown): void {
  const hint = HINTS.get(name)
  if (hint === undefined || value === null || warned.has(name)) return
  warned.add(name)
  process.emitWarning(`fetch() ignores init.${name}: ${hint}`, { type: 'UnshardWarning', code: 'UNSHARD_IGNORED_MEMBER' })
}
