/** After the last fault, requests succeed. Without faults, repeatable requests succeed. */

import type { OutcomeError, RequestRecord } from '../../ledger/ledger.js'
import { neededMs } from '../../script/script.js'
import type { Environment } from '../../world/environment.js'
import { disturbanceOf } from '../disturbance.js'
import { mayQueue } from '../queueing.js'

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
    if (!hasWellServer(environment, record.script.origin) || disturbanceOf(environment, record) !== undefined) continue
    if (queues && isWait(outcome.error)) continue
    // A client that is closed fails its requests after a while.
    const { renewedAt } = script.client
    if (renewedAt !== undefined && startedAt < renewedAt && outcome.at >= renewedAt) continue
    const what = outcome.error === undefined ? String(outcome.status) : `${outcome.error.code}: ${outcome.error.message}`
    ledger.find(
      probe ? 'recovery' : 'innocent',
      `${record.script.method} ${record.script.origin} ended with ${what}`,
      record.script.id,
    )
  }
}

/** Whether a request has waited for a connection for too long. */
function isWait(error: OutcomeError | undefined): boolean {
  return error?.phase === 'queue' || error?.phase === 'connect'
}

/** Whether a request has no reason to fail by itself: it may be repeated, is read, and neither aborted nor limited. */
export function isInnocent({ script }: RequestRecord): boolean {
  const { method, keyed, abortAfterMs, totalMs, headersMs, poison, lies, reader, upload } = script
  const isRepeatable = method === 'GET' || (keyed === true && upload?.kind !== 'streamed')
  const isLimited = abortAfterMs !== undefined || totalMs !== undefined || headersMs !== undefined
  if (neededMs(script) > LONG_MS) return false
  return isRepeatable && !isLimited && poison === undefined && lies !== true && reader !== 'never' && reader !== 'cancels'
}

/** Whether a server behind an address of the origin, as it is now, is well. */
function hasWellServer({ hosts, records, resolver, script }: Environment, origin: string): boolean {
  const name = origin.replace(/^https?:\/\//, '')
  const known = records.get(name)?.addresses ?? []
  // A proxy connects to the first address only.
  const addresses = script.proxy === undefined ? known : known.slice(0, 1)
  const illnesses = addresses.map((address) => {
    const servers = hosts.get(address)?.script.servers ?? []
    return servers.length === 0 || servers.some(({ untrusted }) => untrusted === true)
      ? 'absent'
      : servers.find(({ ill }) => ill !== undefined)?.ill
  })
  // A server that refuses every other stream is open and confirmed: requests may meet it twice in a row.
  for (const [address, { script: machine }] of hosts) {
    if (resolver.hasHad(name, address) && machine.servers.some(({ ill }) => ill === 'refuses')) return false
  }
  return illnesses.some((ill) => ill === undefined || ill === 'slow')
}
