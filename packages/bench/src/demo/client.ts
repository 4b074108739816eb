/**
 * Process of one client, so that each starts cold. The first message contains the addresses of the
 * servers.
 */

import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import type { LookupFunction } from 'node:net'
import type { ConnectionInfo } from 'unshard'
import { bodyOf, type ClientReport, type HostReport, ODD_HOSTS, resources, type Servers } from './scenario.js'

type AnyFetch = (url: string) => Promise<Response & { connection?: ConnectionInfo | undefined }>

/**
 * The shards first; the other hosts on request, so that the servers' counts can be read in between.
 */
process.once('message', (servers: Servers) => {
  if (process.argv[2] === 'unshard') report(unshard(servers))
  else report(builtIn(servers))
})

function report(work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    console.error(error)
    process.exit(1)
  })
}

/** The built-in fetch has no resolver option: replace `dns.lookup`. */
async function builtIn(servers: Servers): Promise<void> {
  dns.lookup = lookupOf(servers) as typeof dns.lookup
  syncBuiltinESMExports()
  process.send!({ ...(await fetchAll(servers, fetch)), protocol: 'http/1.1', hosts: [] } satisfies ClientReport)
}

async function unshard(servers: Servers): Promise<void> {
  const { createClient, createFetch } = await import('unshard')
  const { recordHar } = await import('unshard/har')
  const client = createClient({ lookup: lookupOf(servers), tls: { ca: servers.ca } })
  const recorder = recordHar(client, process.argv[3]!)
  const myFetch: AnyFetch = createFetch(client)
  const hosts = new Map<string, HostReport>()
  const counts = await fetchAll(servers, myFetch, hosts)
  const protocol = [...new Set([...hosts.values()].map((host) => host.protocol))].join('+')
  process.once('message', () => report(odd()))
  process.send!({ ...counts, protocol, hosts: [...hosts.values()] } satisfies ClientReport)

  async function odd(): Promise<void> {
    for (const host of Object.values(ODD_HOSTS)) await fetchOne(servers, myFetch, { host, path: '/odd' }, hosts)
    await recorder.stop()
    await client.close()
    process.send!([...hosts.values()])
  }
}

async function fetchAll(
  servers: Servers,
  fetchFunction: AnyFetch,
  hosts?: Map<string, HostReport>,
): Promise<{ ok: number; requests: number; ms: number }> {
  const startedAt = performance.now()
  const answers = await Promise.all(resources().map((resource) => fetchOne(servers, fetchFunction, resource, hosts)))
  return { ok: answers.filter(Boolean).length, requests: answers.length, ms: Math.round(performance.now() - startedAt) }
}

/** Fetches one resource and compares the response with the right one. */
async function fetchOne(
  { port }: Servers,
  fetchFunction: AnyFetch,
  { host, path }: { host: string; path: string },
  hosts?: Map<string, HostReport>,
): Promise<boolean> {
  const response = await fetchFunction(`https://${host}:${port}${path}`)
  const ok = response.status === 200 && (await response.text()) === bodyOf(host, path)
  if (response.connection !== undefined) {
    const { protocol, id, coalesced, because } = response.connection
    hosts?.set(host, { host, protocol, connection: id, coalesced, because })
  }
  return ok
}

function lookupOf(servers: Servers): LookupFunction {
  return (host, options, callback) => {
    const address = servers.hosts[host]
    if (address === undefined) {
      callback(Object.assign(new Error(`unknown host ${host}`), { code: 'ENOTFOUND' }), '', 4)
      return
    }
    const family = address.includes(':') ? 6 : 4
    if (options.all === true) callback(null, [{ address, family }])
    else callback(null, address, family)
  }
}
