/** Whether requests may wait for each other: then their deadlines and their speed say nothing about the client. */

import type { Environment } from '../world/environment.js'

/** Options that limit connections. A connection for one request each is dialed after the other. */
const LIMITING = ['maxRequestsPerConnection', 'maxConnectionsPerOrigin', 'pipelining']

/** HTTP/1.1 has six connections for each origin. */
export function mayQueue({ hosts, script }: Environment): boolean {
  if (LIMITING.some((name) => name in script.client.options)) return true
  return [...hosts.values()].some(({ instances }) => instances.some(({ model }) => model.h2 === undefined))
}
