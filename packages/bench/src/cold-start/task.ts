/**
 * Definition of a cold start: hosts, requests, and the messages between the processes. Independent
 * of clients and servers.
 */

import type { LookupFunction } from 'node:net'

/** Names that only the resolvers below know: one certificate, one address. */
export const HOSTS: readonly string[] = Array.from({ length: 40 }, (_, i) => `h${i + 1}.cold.example`)
export const CERTIFICATE_NAMES: readonly string[] = ['*.cold.example']
export const REQUESTS_PER_HOST = 5
export const REQUESTS: number = HOSTS.length * REQUESTS_PER_HOST
export const PATH = '/small.txt'
/** Content that testkit's external servers serve there. */
export const TEXT = 'hello\n'

/**
 * A server behind a delaying proxy. `h2-100` and `h2-128` allow fewer streams at once than there
 * are requests.
 */
export type Place = 'h2' | 'h2-100' | 'h2-128' | 'http/1.1'

export interface Listening {
  readonly server: string
  /** Port of the proxy. */
  readonly port: number
}

/** Message of the server process once it listens. */
export interface Places {
  readonly ca: string
  /** Servers that are installed. */
  readonly at: Readonly<Partial<Record<Place, Listening>>>
}

/** Counts of all proxies since the last message. */
export interface Seen {
  readonly connections: number
  readonly handshakes: number
}

/** Message to a client process. */
export interface Assignment {
  readonly competitor: string
  readonly port: number
  readonly ca: string
}

/** Result of a client process. */
export interface Turn {
  /** Time from the first call to the last byte of the last response. */
  readonly ms: number
  readonly cpuMs: number
  readonly errors: number
  readonly firstError?: string
}

/** Interleaves the hosts: the first request of every host, then the second. */
export function urls(port: number): string[] {
  return Array.from({ length: REQUESTS }, (_, i) => `https://${HOSTS[i % HOSTS.length]}:${port}${PATH}`)
}

/** Resolves every name to this machine. Like `dns.lookup`, never calls back synchronously. */
export const lookupHere: LookupFunction = (_, options, callback) => {
  process.nextTick(() => {
    if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
    else callback(null, '127.0.0.1', 4)
  })
}
