/**
 * Finds candidates for reuse by address, host group or Origin Set, in a few lookups regardless of
 * the number of connections and origins. The policy decides on what is found; a connection that is
 * not found could not be used.
 */

import { canonicalAddress } from '../../message/addresses.js'
import type { Origin, SerializedOrigin } from '../../message/origin.js'
import type { Connection } from '../../transport/connection.js'
import type { Address } from '../../transport/route.js'
import type { Dial } from './reuse-policy.js'

/** An open connection, or a dial that may become one. */
export type Candidate = Connection | Dial

/**
 * Maximum number of candidates per lookup. If this many at one address are all refused, the server
 * is not shareable.
 */
export const MAX_OFFERED = 32

/** Maximum number of names indexed per certificate. */
const MAX_NAMES = 1_000

/** The key of a lookup. */
export interface Wanted {
  readonly origin: Origin
  readonly reuseKey: string
  readonly addresses?: readonly Address[]
}

/** All candidates at one endpoint, or in one host group, with one reuse key. */
class Spot {
  readonly dials = new Set<Dial>()
  /**
   * By certificate name: a connection cannot serve a host that its certificate does not name (RFC
   * 9113 §9.1.1).
   */
  readonly named = new Map<string, Set<Connection>>()
  /** Connections without a certificate, and so without names. */
  readonly unnamed = new Set<Connection>()
  /** HTTP/1.1 connections, which no other origin can use, whatever their certificates name. */
  http1 = 0
  connections = 0
}

/** The index of one pool. */
export class CandidateIndex {
  readonly #spots = new Map<string, Spot>()
  /** Number of candidates at each address, whatever their reuse key. */
  readonly #endpoints = new Map<string, number>()
  readonly #listed = new Map<string, Set<Connection>>()
  readonly #made = new Map<string, Set<Connection>>()
  /** Functions that remove a candidate from each map. */
  readonly #exits = new Map<Candidate, (() => void)[]>()
  readonly #lists = new Map<Connection, () => void>()

  /** Adds a dial under an address that it tries. */
  addDial(dial: Dial, { address }: Address): void {
    const endpoint = endpointOf(address, dial.port)
    this.#count(dial, endpoint)
    this.#stand(dial, `${dial.reuseKey} ${endpoint}`)
  }

  /** Adds an open connection under its origin, and under its address unless a proxy hides it. */
  addConnection(connection: Connection): void {
    const { remoteAddress, remotePort, reuseKey, proxy, origin } = connection.route
    const made = `${reuseKey} ${origin.serialized}`
    addTo(this.#made, made, connection)
    this.#exit(connection, () => deleteFrom(this.#made, made, connection))
    if (remoteAddress === undefined || remotePort === undefined || proxy !== undefined) return
    const endpoint = endpointOf(remoteAddress, remotePort)
    this.#count(connection, endpoint)
    this.#put(connection, `${reuseKey} ${endpoint}`)
  }

  /** Adds a candidate to a host group, which replaces the address behind a proxy. */
  addToHostGroup(
    candidate: Candidate,
    { reuseKey, port }: { readonly reuseKey: string; readonly port: number },
    group: string,
  ): void {
    const spot = hostGroupKey(reuseKey, group, port)
    if ('route' in candidate) this.#put(candidate, spot)
    else this.#stand(candidate, spot)
  }

  /** Indexes the current Origin Set of a connection (RFC 8336 §2.3). */
  list(connection: Connection): void {
    this.#lists.get(connection)?.()
    const { reuseKey } = connection.route
    const keys = [...(connection.originSet ?? [])].map((origin) => `${reuseKey} ${origin}`)
    for (const key of keys) addTo(this.#listed, key, connection)
    this.#lists.set(connection, () => {
      for (const key of keys) deleteFrom(this.#listed, key, connection)
    })
  }

  /** Removes a candidate from every map. */
  delete(candidate: Candidate): void {
    for (const exit of this.#exits.get(candidate) ?? []) exit()
    this.#exits.delete(candidate)
    if (!('route' in candidate)) return
    this.#lists.get(candidate)?.()
    this.#lists.delete(candidate)
  }

  /** Connections whose Origin Set contains the origin. */
  listing({ origin, reuseKey }: Wanted): Iterable<Connection> {
    return this.#listed.get(`${reuseKey} ${origin.serialized}`) ?? []
  }

  /** Connections made for the origin. */
  madeFor(origin: SerializedOrigin, reuseKey: string): Iterable<Connection> {
    return this.#made.get(`${reuseKey} ${origin}`) ?? []
  }

  /**
   * Candidates at one of the addresses: open connections whose certificates may match, then dials.
   */
  find({ origin, reuseKey, addresses = [] }: Wanted): Candidate[] {
    return this.#offer(
      addresses.map(({ address }) => `${reuseKey} ${endpointOf(address, origin.port)}`),
      origin.host,
    )
  }

  /** Candidates in one of the host groups, in the same order. */
  findInHostGroups({ origin, reuseKey }: Wanted, groups: readonly string[]): Candidate[] {
    return this.#offer(
      groups.map((group) => hostGroupKey(reuseKey, group, origin.port)),
      origin.host,
    )
  }

  /** The reason why no candidate was found. */
  near({ origin, reuseKey, addresses = [] }: Wanted): string {
    if (this.#endpoints.size === 0) return 'first-connection'
    const endpoints = addresses.map(({ address }) => endpointOf(address, origin.port)).filter((each) => this.#endpoints.has(each))
    if (endpoints.length === 0) return 'address-differs'
    const spots = endpoints.map((each) => this.#spots.get(`${reuseKey} ${each}`)).filter((spot) => spot !== undefined)
    if (spots.length === 0) return 'options-differ'
    return spots.every(({ http1, connections }) => http1 === connections) ? 'not-h2' : 'certificate-does-not-cover-host'
  }

  /** Whether there are no open connections and no pending dials. */
  get empty(): boolean {
    return this.#spots.size === 0
  }

  #offer(keys: readonly string[], host: string): Candidate[] {
    const offered = new Set<Candidate>()
    const spots = keys.map((key) => this.#spots.get(key)).filter((spot) => spot !== undefined)
    const wildcard = `*${host.slice(host.indexOf('.'))}`
    for (const { named, unnamed } of spots) {
      for (const set of [named.get(host), named.get(wildcard), unnamed]) take(offered, set)
    }
    for (const { dials } of spots) take(offered, dials)
    return [...offered]
  }

  #count(candidate: Candidate, endpoint: string): void {
    this.#endpoints.set(endpoint, (this.#endpoints.get(endpoint) ?? 0) + 1)
    this.#exit(candidate, () => {
      const left = this.#endpoints.get(endpoint)! - 1
      if (left === 0) this.#endpoints.delete(endpoint)
      else this.#endpoints.set(endpoint, left)
    })
  }

  #stand(dial: Dial, key: string): void {
    const spot = this.#spotAt(key)
    spot.dials.add(dial)
    this.#exit(dial, () => {
      spot.dials.delete(dial)
      this.#clear(key, spot)
    })
  }

  #put(connection: Connection, key: string): void {
    const spot = this.#spotAt(key)
    spot.connections++
    const names = connection.protocol === 'h2' ? namesOf(connection) : []
    if (connection.protocol !== 'h2') spot.http1++
    else if (names === undefined) spot.unnamed.add(connection)
    for (const name of names ?? []) addTo(spot.named, name, connection)
    this.#exit(connection, () => {
      spot.connections--
      if (connection.protocol !== 'h2') spot.http1--
      spot.unnamed.delete(connection)
      for (const name of names ?? []) deleteFrom(spot.named, name, connection)
      this.#clear(key, spot)
    })
  }

  #spotAt(key: string): Spot {
    let spot = this.#spots.get(key)
    if (spot === undefined) {
      spot = new Spot()
      this.#spots.set(key, spot)
    }
    return spot
  }

  #clear(key: string, { connections, dials }: Spot): void {
    if (connections === 0 && dials.size === 0) this.#spots.delete(key)
  }

  #exit(candidate: Candidate, exit: () => void): void {
    const exits = this.#exits.get(candidate)
    if (exits === undefined) this.#exits.set(candidate, [exit])
    else exits.push(exit)
  }
}

function endpointOf(address: string, port: number): string {
  // IPv4 is canonical already, and compiling Node's pattern takes two milliseconds per process.
  return `${address.includes(':') ? (canonicalAddress(address) ?? address) : address} ${port}`
}

function hostGroupKey(reuseKey: string, group: string, port: number): string {
  return `${reuseKey} group ${port} ${group}`
}

function take(offered: Set<Candidate>, candidates: Iterable<Candidate> = []): void {
  for (const candidate of candidates) {
    if (offered.size >= MAX_OFFERED) return
    offered.add(candidate)
  }
}

/**
 * The DNS names in the certificate's text, in lower case. Only a lookup key: a name parsed wrongly
 * here is refused by the check of the certificate itself, or costs one connection.
 */
function namesOf({ route }: Connection): readonly string[] | undefined {
  if (route.certificate === undefined) return undefined
  const names: string[] = []
  for (const entry of (route.certificate.peer.subjectaltname ?? '').split(', ')) {
    if (entry.startsWith('DNS:') && names.length < MAX_NAMES) names.push(entry.slice('DNS:'.length).toLowerCase())
  }
  return names
}

function addTo<T>(map: Map<string, Set<T>>, key: string, value: T): void {
  const found = map.get(key)
  if (found === undefined) map.set(key, new Set([value]))
  else found.add(value)
}

function deleteFrom<T>(map: Map<string, Set<T>>, key: string, value: T): void {
  const found = map.get(key)
  if (found?.delete(value) === true && found.size === 0) map.delete(key)
}
