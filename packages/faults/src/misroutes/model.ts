/**
 * Decides which request may reach which connection, from a plain statement of the rules and without
 * any code of the client: from DNS answers, connections and deliveries it derives the rule that a
 * delivery has broken. Pure: times are parameters.
 */

import { ADDRESSES, CERTIFICATES, CLIENTS, HTTP1_ADDRESS, KEPT_APART, TTL_MS } from './plan.js'

/** A connection as seen by a server. */
export interface SeenConnection {
  readonly number: number
  /** Address that accepted it. */
  readonly address: string
  /** Server name of its TLS handshake. */
  readonly serverName: string | undefined
  /** Certificate of the handshake. */
  readonly certificate: number
  readonly atMs: number
  /** Hosts of the ORIGIN frame sent on it. */
  readonly originHosts: readonly string[] | undefined
}

/** A request as sent. */
export interface SentRequest {
  readonly id: number
  readonly client: number
  readonly tag: string | undefined
  /** A host name or IP address of a URL. */
  readonly host: string
  readonly atMs: number
}

/** A request as delivered, and its connection. */
export interface Delivered {
  readonly connection: number
  /** Host of the authority. */
  readonly host: string
  readonly credential: string
}

/** The broken rule. */
export type Misroute =
  | 'wrong-authority'
  | 'wrong-credentials'
  | 'unknown-connection'
  | 'other-partition'
  | 'odd-origin'
  | 'own-address'
  | 'own-certificate'
  | 'may-not-share'
  | 'http/1.1'
  | 'kept-apart'
  | 'certificate'
  | 'address-never'
  | 'address-stale'
  | 'origin-set'
  | 'misdirected-again'

interface Answer {
  readonly atMs: number
  readonly addresses: readonly string[]
}

interface Known extends SeenConnection {
  /** Client and isolation of the first request: all later requests must match. */
  partition: string | undefined
  first: string | undefined
  /** Time when the client had read something that followed ORIGIN. */
  heardAtMs: number
  /**
   * Whether its own host resolved to its address when it was opened. Evaluated once, because
   * answers are not kept forever.
   */
  ledThere: boolean | undefined
}

/**
 * Tolerance in milliseconds: a host keeps its DNS answer while it waits for other handshakes, and
 * busy processes notice changes late. Moved hosts stay far longer.
 */
export const SLACK_MS = 2_000
/**
 * Maximum time from a DNS answer to a connection, in milliseconds: waiting for other handshakes and
 * dialing fit into the connect deadline.
 */
export const DIAL_MS = 5_000
/**
 * Time for which answers are kept, in milliseconds: a connection that is first seen is not older.
 */
const HISTORY_MS = 60_000
/** A 421 is remembered for five minutes; slightly less tolerates inaccuracy at both ends. */
const DENIED_MS = 299_000

/** The ICANN suffixes of the names used here. */
const PUBLIC_SUFFIXES: ReadonlySet<string> = new Set(['example', 'uk', 'co.uk'])

export function credentialOf(client: number, tag: string | undefined, host: string): string {
  return `Bearer ${client}/${tag ?? '-'}/${host}`
}

/**
 * Checks the subjectAltName only: the exact name, or a wildcard for its first label that is not
 * directly on a public suffix.
 */
export function coversStrictly(certificate: number, host: string): boolean {
  const { names, commonName } = CERTIFICATES[certificate]!
  if (commonName !== undefined) return false
  if (names.includes(host)) return true
  const parent = host.slice(host.indexOf('.') + 1)
  return names.includes(`*.${parent}`) && parent.includes('.') && !PUBLIC_SUFFIXES.has(parent)
}

/**
 * Like the check of a new connection: a common name counts if there is no other name, and so does
 * any wildcard.
 */
function coversForItself(certificate: number, host: string): boolean {
  const { names, commonName } = CERTIFICATES[certificate]!
  const wildcard = `*.${host.slice(host.indexOf('.') + 1)}`
  return commonName === undefined ? names.includes(host) || names.includes(wildcard) : commonName === wildcard
}

const HOST_NAME = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/

export class Model {
  readonly #answers = new Map<string, Answer[]>()
  readonly #connections = new Map<number, Known>()
  /** By client, address, certificate and host: time when the client read a 421. */
  readonly #denied = new Map<string, number>()

  get connections(): number {
    return this.#connections.size
  }

  /** Describes a connection. */
  describe(number: number): string {
    const { address, serverName, certificate, first, partition } = this.#connections.get(number) ?? {}
    return `connection ${number} to ${address}, made for ${serverName}, certificate ${certificate}, first ${first} of ${partition}`
  }

  /**
   * Time from the last DNS answer with the connection's address to the request, in milliseconds;
   * NaN without such an answer.
   */
  answerAgeMs({ client, host, atMs }: SentRequest, connection: number): number {
    const address = this.#connections.get(connection)?.address ?? ''
    const answers = this.#answers.get(`${client} ${host}`) ?? []
    return atMs - (answers.findLast(({ addresses }) => addresses.includes(address))?.atMs ?? Number.NaN)
  }

  /** Records an answer of the client's resolver. */
  answered(client: number, host: string, addresses: readonly string[], atMs: number): void {
    const key = `${client} ${host}`
    const list = this.#answers.get(key) ?? []
    this.#answers.set(key, list)
    list.push({ atMs, addresses })
    while (list.length > 1 && list[1]!.atMs < atMs - HISTORY_MS) list.shift()
  }

  connected(connection: SeenConnection): void {
    this.#connections.set(connection.number, {
      ...connection,
      partition: undefined,
      first: undefined,
      heardAtMs: Number.POSITIVE_INFINITY,
      ledThere: undefined,
    })
  }

  /** Records that the client has read a response of this connection. */
  responseRead(connection: number, atMs: number): void {
    const known = this.#connections.get(connection)
    if (known !== undefined) known.heardAtMs = Math.min(known.heardAtMs, atMs)
  }

  /** Records that the client has read a 421. One that was merely sent may have been lost. */
  turnedAway(client: number, address: string, certificate: number, host: string, atMs: number): void {
    this.#denied.set(`${client} ${address} ${certificate} ${host}`, atMs)
  }

  /** Returns the rule that this delivery has broken, if any. */
  delivered(request: SentRequest, delivery: Delivered): Misroute | undefined {
    if (delivery.host !== request.host) return 'wrong-authority'
    if (delivery.credential !== credentialOf(request.client, request.tag, request.host)) return 'wrong-credentials'
    const connection = this.#connections.get(delivery.connection)
    if (connection === undefined) return 'unknown-connection'
    const partition = `${request.client} ${request.tag ?? ''}`
    connection.partition ??= partition
    if (connection.partition !== partition) return 'other-partition'
    connection.first ??= request.host
    if (!HOST_NAME.test(request.host) || !HOST_NAME.test(connection.first)) {
      return connection.first === request.host ? undefined : 'odd-origin'
    }
    if (connection.serverName === request.host) return this.#own(connection, request)
    return this.#shared(connection, request)
  }

  /** Checks a connection that was made for this host. */
  #own(connection: Known, { client, host }: SentRequest): Misroute | undefined {
    const { address, certificate, atMs } = connection
    if (!coversForItself(certificate, host) && CLIENTS[client]!.unshareable !== 'unauthorized') return 'own-certificate'
    connection.ledThere ??= this.#led(client, host, address, atMs - DIAL_MS) === 'now'
    return connection.ledThere ? undefined : 'own-address'
  }

  #shared(connection: Known, { client, host, atMs }: SentRequest): Misroute | undefined {
    const { address, certificate, serverName = '', originHosts, heardAtMs } = connection
    if (CLIENTS[client]!.unshareable !== undefined) return 'may-not-share'
    if (address === ADDRESSES[HTTP1_ADDRESS]) return 'http/1.1'
    if (KEPT_APART.has(host) || KEPT_APART.has(serverName)) return 'kept-apart'
    if (!coversStrictly(certificate, host)) return 'certificate'
    const led = this.#led(client, host, address, atMs)
    if (led !== 'now') return led === 'never' ? 'address-never' : 'address-stale'
    if (originHosts !== undefined && !originHosts.includes(host) && atMs > heardAtMs) return 'origin-set'
    const deniedAtMs = this.#denied.get(`${client} ${address} ${certificate} ${host}`) ?? Number.POSITIVE_INFINITY
    return atMs > deniedAtMs && atMs < deniedAtMs + DENIED_MS ? 'misdirected-again' : undefined
  }

  /**
   * Whether the client's resolver returned that address for the host: in the current answer, in an
   * older one, or never.
   */
  #led(client: number, host: string, address: string, atMs: number): 'now' | 'once' | 'never' {
    const list = this.#answers.get(`${client} ${host}`) ?? []
    let led: 'once' | 'never' = 'never'
    for (let i = list.length - 1; i >= 0; i--) {
      const answer = list[i]!
      if (!answer.addresses.includes(address)) continue
      if (answer.atMs + TTL_MS + SLACK_MS >= atMs) return 'now'
      led = 'once'
    }
    return led
  }
}
