/** The isolations of calls that need connections of their own: HTTP/2 without TLS, or the TLS of credentials. */

import type { Client, PoolOptions, TlsOptions } from '@unshard/core'

/** The isolations that are defined already. */
const opened = new WeakMap<Client, Set<string>>()

/** Returns the isolation of calls over HTTP/2 without TLS. @param own the caller's isolation. */
export function cleartextIsolation(client: Client, own: string | undefined): string {
  return isolationOf(client, 'grpc-cleartext', own, { cleartextProtocol: 'h2' })
}

/** Returns the isolation of calls with TLS options of their own. @param key tells these options from all others. */
export function tlsIsolation(client: Client, key: string, own: string | undefined, tls: TlsOptions): string {
  return isolationOf(client, `grpc-tls ${key}`, own, { protocols: ['h2'], tls })
}

/** The caller's text comes last: no other name is equal, whatever it is. */
function isolationOf(client: Client, key: string, own: string | undefined, options: PoolOptions): string {
  const name = own === undefined ? key : `${key} for ${own}`
  const names = opened.get(client) ?? new Set()
  opened.set(client, names)
  if (names.has(name)) return name
  client.pools.open(name, options)
  names.add(name)
  return name
}
