/** After the last fault, requests succeed. Without faults, repeatable requests succeed. */

import type { RequestRecord } from '../../ledger/ledger.js'
import { neededMs } from '../../script/script.js'
import type { Environment } from '../../world/environment.js'
import { disturbanceOf } from '../disturbance.js'
import { isWait, mayQueue } from '../queueing.js'
import { hasIllServer, hasWellServer } from '../well-servers.js'

/** Bytes per millisecond, below which a burst floods a line. */
export const SLOW_LINE = 1_000
/** Longer requests may outlive the connections of a server with a maximum age. */
const LONG_MS = 50_000

export function judgeRecovery(environment: Environment): void {
  const { ledger, script } = environment
  const queues = mayQueue(environment)
  const hasPoison = script.requests.some(({ poison }) => poison !== undefined)
  for (const record of ledger.records.values()) {
    const { outcome, probe, startedAt } = record
    if (outcome === undefined || (!probe && !isInnocent(record))) continue
    if (outcome.status === 200 && outcome.error === undefined) continue
    // A response that has begun cannot be asked for again: it ends with the connection of a request that kills its server.
    if (hasPoison && outcome.status === 200) continue
    if (!hasWellServer(environment, record) || disturbanceOf(environment, record) !== undefined) continue
    // Lost twice with a request that ends its connections, and once at an ill address: more than `replay` allows.
    const isExhausted = record.arrivals.length >= ALLOWED_ARRIVALS && ENDED.has(outcome.error?.code)
    if (hasPoison && isExhausted && hasIllServer(environment, record)) continue
    // Requests that lost connections together are sent apart, six at a time.
    if ((queues || hasPoison) && isWait(outcome.error)) continue
    if (isFlooded(environment, record)) continue
    // A pipelined request waits for the responses before it, however long they take.
    if ('pipelining' in script.client.options && outcome.error?.code === 'ERR_TIMEOUT_TOTAL') continue
    // A client that is closed fails its requests after a while, and their connections end.
    const { renewedAt } = script.client
    if (outcome.error?.code === 'ERR_CLIENT_CLOSED') continue
    if (renewedAt !== undefined && startedAt <= renewedAt && outcome.at >= renewedAt) continue
    const what = outcome.error === undefined ? String(outcome.status) : `${outcome.error.code}: ${outcome.error.message}`
    ledger.find(
      probe ? 'recovery' : 'innocent',
      `${record.script.method} ${record.script.origin} ended with ${what}`,
      record.script.id,
    )
  }
}

/** Deliveries without which a request has not met the poison: it has no excuse. A server that closes does not read the other requests of its connection. */
const ALLOWED_ARRIVALS = 1
/** Codes of a connection that ended. */
const ENDED: ReadonlySet<unknown> = new Set(['ERR_CONNECTION_LOST', 'ECONNRESET'])

/**
 * Whether a slow line to a server of the request may hold a minute of bytes: the model has no
 * congestion control, so a PING waits behind them for longer than a dead connection is kept. A
 * response that arrives late meets a server that has closed the connection as idle.
 */
function isFlooded({ hosts, resolver }: Environment, { script, outcome }: RequestRecord): boolean {
  if (!ENDED.has(outcome?.error?.code) && !isWait(outcome?.error)) return false
  const host = script.origin.replace(/^https?:\/\//, '')
  return [...hosts].some(
    ([address, { script: machine }]) => (machine.bandwidth ?? SLOW_LINE) < SLOW_LINE && resolver.hasHad(host, address),
  )
}

/** Whether a request has no reason to fail by itself: it may be repeated, is read, and neither aborted nor limited. */
export function isInnocent({ script }: RequestRecord): boolean {
  const { method, keyed, abortAfterMs, totalMs, headersMs, poison, lies, reader, upload } = script
  const isRepeatable = method === 'GET' || (keyed === true && upload?.kind !== 'streamed')
  const isLimited = abortAfterMs !== undefined || totalMs !== undefined || headersMs !== undefined
  if (neededMs(script) > LONG_MS) return false
  return isRepeatable && !isLimited && poison === undefined && lies !== true && reader !== 'never' && reader !== 'cancels'
}
