/** Converts the options of a probe to client options. */

import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { ClientOptions } from '@unshard/core'
import type { ProbeOptions } from './options.js'

/** Used for every client of a probe. */
export function clientOptions({ ca, resolve, timeoutMs }: ProbeOptions): ClientOptions {
  return {
    ...(ca === undefined ? {} : { tls: { ca } }),
    ...(resolve.size === 0 ? {} : { lookup: lookupOf(resolve) }),
    timeouts: { connect: timeoutMs, headers: timeoutMs, body: timeoutMs },
  }
}

/** Names in the table are not resolved by any other means. */
function lookupOf(table: ReadonlyMap<string, readonly string[]>): LookupFunction {
  return (host, options: LookupOptions, callback) => {
    const found = table.get(host)
    if (found === undefined) return systemLookup(host, options, callback as never)
    const answer: LookupAddress[] = found.map((address) => ({ address, family: isIP(address) }))
    process.nextTick(() => callback(null, answer))
  }
}
