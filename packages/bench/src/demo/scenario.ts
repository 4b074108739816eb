/** What the demo does: the hosts, the resources, and what its processes tell each other. */

/** The host names are only ever resolved by the demo's own resolvers. */
export const SHARDS: readonly string[] = Array.from({ length: 12 }, (_, i) => `shard${i + 1}.demo.example`)
export const RESOURCES_PER_SHARD = 10

/** The odd ones out, and what each shows. */
export const ODD_HOSTS = {
  ownCertificate: 'own-certificate.example',
  otherAddress: 'other-address.demo.example',
  http1Only: 'http1-only.demo.example',
} as const

/** What the servers' process tells when they listen. */
export interface Servers {
  readonly ca: string
  readonly port: number
  /** Host to address. */
  readonly hosts: Readonly<Record<string, string>>
}

/** What the servers have seen since the last question. */
export interface Seen {
  readonly connections: number
  readonly handshakes: number
}

/** One resource and the answer to it. */
export interface Answer {
  readonly host: string
  readonly ok: boolean
}

/** What a host was served by. */
export interface HostReport {
  readonly host: string
  readonly protocol: string
  readonly connection: number
  readonly coalesced: boolean
  readonly because: string
}

/** What a client's process reports. */
export interface ClientReport {
  readonly ok: number
  readonly requests: number
  readonly ms: number
  readonly protocol: string
  readonly hosts: readonly HostReport[]
}

/** The one right body of a resource. */
export function bodyOf(host: string, path: string): string {
  return `${host}${path} `.repeat(16)
}

/** Every resource of every shard. */
export function resources(): { host: string; path: string }[] {
  return SHARDS.flatMap((host) => Array.from({ length: RESOURCES_PER_SHARD }, (_, i) => ({ host, path: `/resource/${i}` })))
}
