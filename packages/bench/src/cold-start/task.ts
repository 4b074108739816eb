/** What a cold start is: the hosts, the requests, and what its processes tell each other. Knows no client and no server. */

import type { LookupFunction } from 'node:net'

/** Names that only the resolvers below know: one certificate, one address. */
export const HOSTS: readonly string[] = Array.from({ length: 40 }, (_, i) => `h${i + 1}.cold.example`)
export const CERTIFICATE_NAMES: readonly string[] = ['*.cold.example']
export const REQUESTS_PER_HOST = 5
export const REQUESTS: number = HOSTS.length * REQUESTS_PER_HOST
export const PATH = '/small.txt'
/** What testkit's external servers serve there. */
export const TEXT = 'hello\n'

/** A server behind a proxy that delays. `h2-100` and `h2-128` allow fewer streams at once than there are requests. */
export type Place = 'h2' | 'h2-100' | 'h2-128' | 'http/1.1'

export interface Listening {
  readonly server: string
  /** The proxy's. */
  readonly port: number
}

/** What the servers' process tells when they listen. */
export interface Places {
  readonly ca: string
  /** Those whose server is installed. */
  readonly at: Readonly<Partial<Record<Place, Listening>>>
}

/** What the proxies have seen since they were asked last, all places together. */
export interface Seen {
  readonly connections: number
  readonly handshakes: number
}

/** What a client's process is told. */
export interface Assignment {
  readonly competitor: string
  readonly port: number
  readonly ca: string
}

/** What it answers. */
export interface Turn {
  /** From the first call to the last octet of the last answer. */
  readonly ms: number
  readonly cpuMs: number
  readonly errors: number
  readonly firstError?: string
}

/** Each host's requests side by side with the others': first one of every host, then the second. */
export function urls(port: number): string[] {
  return Array.from({ length: REQUESTS }, (_, i) => `https://${HOSTS[i % HOSTS.length]}:${port}${PATH}`)
}

/** Every name leads to this machine. As `dns.lookup`, never before the caller has gone on. */
export const lookupHere: LookupFunction = (_, options, callback) => {
  process.nextTick(() => {
    if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
    else callback(null, '127.0.0.1', 4)
  })
}
