/** A lookup that is reported on the channel `unshard:resolve`. Cached answers and IP addresses are not. */

import type { Diagnostics } from '../../diagnostics/diagnostics.js'
import type { Origin } from '../../message/origin.js'
import type { Resolution, Resolver } from './resolver.js'

/**
 * Resolves the host of an origin.
 * @param prepare called once the lookup has begun.
 * @throws ConnectError phase `resolve`.
 */
export async function resolveTraced(
  resolver: Resolver,
  diagnostics: Diagnostics,
  { host, serialized }: Origin,
  prepare?: () => void,
): Promise<Resolution> {
  const known = resolver.resolve.bind(resolver, host)
  const trace = resolver.isKnown(host) ? undefined : diagnostics.resolve(serialized, host)
  const resolving = trace === undefined ? known() : trace.run(known)
  prepare?.()
  if (trace === undefined) return resolving
  try {
    const resolution = await resolving
    trace.message.addresses = resolution.addresses.map(({ address }) => address)
    trace.finish()
    return resolution
  } catch (error) {
    trace.finish(error)
    throw error
  }
}
