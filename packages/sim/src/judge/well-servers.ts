/** Whether a request can succeed at all: which servers its name leads to, and whether they are well. */

import type { RequestRecord } from '../ledger/ledger.js'
import type { Environment } from '../world/environment.js'

/** How long the client may use an answer of the resolver, by default and at most, and a connection that was dialed by it. */
const ANSWER_MS = 300_000

/** Whether a server behind an address of the origin is well, whichever addresses the client knows. */
export function hasWellServer(environment: Environment, { script, startedAt, outcome }: RequestRecord): boolean {
  const host = script.origin.replace(/^https?:\/\//, '')
  const lists = environment.resolver.addressesWithin(host, startedAt - ANSWER_MS, outcome?.at ?? startedAt)
  return lists.length > 0 && lists.every((addresses) => isOneWell(environment, host, addresses))
}

/** Whether a server behind any address that the origin has had is ill. */
export function hasIllServer({ hosts, resolver }: Environment, { script }: RequestRecord): boolean {
  const host = script.origin.replace(/^https?:\/\//, '')
  return [...hosts].some(
    ([address, { script: machine }]) => machine.servers.some(({ ill }) => ill !== undefined) && resolver.hasHad(host, address),
  )
}

function isOneWell({ hosts, script }: Environment, host: string, known: readonly string[]): boolean {
  // A proxy connects to the first address only.
  const addresses = script.proxy === undefined ? known : known.slice(0, 1)
  const machines = addresses.map((address) => hosts.get(address)?.script.servers ?? [])
  // A machine that does not have the host answers all the same.
  if (
    machines.some(
      (servers) => servers.some(({ hosts: own }) => own !== undefined) && !servers.some(({ hosts: own }) => own?.includes(host)),
    )
  )
    return false
  const illnesses = machines.map((servers) =>
    servers.length === 0 || servers.some(({ untrusted }) => untrusted === true)
      ? 'absent'
      : servers.find(({ ill }) => ill !== undefined)?.ill,
  )
  // A server that refuses every other stream is open and confirmed: requests may meet it twice in a row.
  if (illnesses.includes('refuses')) return false
  return illnesses.some((ill) => ill === undefined || ill === 'slow')
}
