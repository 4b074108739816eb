/**
 * Requests that nothing ends: HTTP/1.1 has no PING, so that only TCP keepalive tells of a dead
 * connection, and a pipelined request waits for the response before it to be read.
 */

import type { RequestRecord } from '../ledger/ledger.js'
import type { Environment } from '../world/environment.js'

/** Whether a request may be in flight without an end, as docs/guides/production.md says. */
export function isUnnoticed({ script, hosts }: Environment, { outcome }: RequestRecord): boolean {
  const { options } = script.client
  if (outcome !== undefined) return false
  if ('pipelining' in options && script.requests.some(({ reader }) => reader === 'never')) return true
  if (options['tcpKeepAlive'] !== false) return false
  return [...hosts.values()].some(({ instances }) => instances.some(({ model }) => model.h2 === undefined))
}
