/** Definition of the demo: hosts, resources, and the messages between its processes. */

/** These host names are only resolved by the demo's own resolvers. */
export const SHARDS: readonly string[] = Array.from({ length: 12 }, (_, i) => `shard${i + 1}.demo.example`)
export const RESOURCES_PER_SHARD = 10

/** Hosts that cannot share, and the reason each demonstrates. */
export const ODD_HOSTS = {
  ownCertificate: 'own-certificate.example',
  otherAddress: 'other-address.demo.example',
  http1Only: 'http1-only.demo.example',
} as const

/** Message of the server process once it listens. */
export interface Servers {
  readonly ca: string
  readonly port: number
  /** Address by host. */
  readonly hosts: Readonly<Record<string, string>>
}

/** Counts of the servers since the last question. */
export interface Seen {
  readonly connections: number
  readonly handshakes: number
}

/** One resource and its response. */
export interface Answer {
  readonly host: string
  readonly ok: boolean
}

/** Connection that served a host. */
export interface HostReport {
  readonly host: string
  readonly protocol: string
  readonly connection: number
  readonly coalesced: boolean
  readonly because: string
}

/** Report of a client process. */
export interface ClientReport {
  readonly ok: number
  readonly requests: number
  readonly ms: number
  readonly protocol: string
  readonly hosts: readonly HostReport[]
}

/** Returns the right body of a resource. */
export function bodyOf(host: string, path: string): string {
  return `${host}${path} `.repeat(16)
}

/** Returns every resource of every shard. */
export function resources(): { host: string; path: string }[] {
  return SHARDS.flatMap((host) => Array.from({ length: RESOURCES_PER_SHARD }, (_, i) => ({ host, path: `/resource/${i}` })))
}
