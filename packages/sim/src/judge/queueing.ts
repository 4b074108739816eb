/** Whether requests may wait for each other: then their deadlines and their speed say nothing about the client. */

import type { OutcomeError } from '../ledger/ledger.js'
import type { ClientScript } from '../script/script.js'
import type { Environment } from '../world/environment.js'

/** Options that limit connections. A connection for one request each is dialed after the other. */
const LIMITING = ['maxRequestsPerConnection', 'maxConnectionsPerOrigin', 'pipelining']

/** Whether options of the client make requests wait for each other. */
export function isLimited({ options }: ClientScript): boolean {
  return LIMITING.some((name) => name in options)
}

/** Whether a request has waited for a connection for too long. */
export function isWait(error: OutcomeError | undefined): boolean {
  return error?.phase === 'queue' || error?.phase === 'connect'
}

/** HTTP/1.1 has six connections for each origin. */
export function mayQueue({ hosts, script }: Environment): boolean {
  if (isLimited(script.client)) return true
  return [...hosts.values()].some(({ instances }) => instances.some(({ model }) => model.h2 === undefined))
}
