/** Requests whose connection may be dead without a sign: HTTP/1.1 has no PING, and only TCP keepalive tells. */

import type { RequestRecord } from '../ledger/ledger.js'
import type { Environment } from '../world/environment.js'

/** Whether nothing notices that the connection of a request is dead, as docs/guides/production.md says. */
export function isUnnoticed({ script, hosts }: Environment, { outcome }: RequestRecord): boolean {
  if (outcome !== undefined || script.client.options['tcpKeepAlive'] !== false) return false
  return [...hosts.values()].some(({ instances }) => instances.some(({ model }) => model.h2 === undefined))
}
