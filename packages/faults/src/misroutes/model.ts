/**
 * What may reach which connection, by the plain words of the rules and without any code of the client's: told of resolver answers,
 * connections and deliveries, it names the rule that a delivery has broken. Pure: times are given to it.
 */

import { ADDRESSES, CERTIFICATES, CLIENTS, HTTP1_ADDRESS, KEPT_APART, TTL_MS } from './plan.js'

/** As a server saw it. */
export interface SeenConnection {
  readonly number: number
  /** Where it was accepted. */
  readonly address: string
  /** The name in its TLS handshake. */
  readonly serverName: string | undefined
  /** The certificate shown on it. */
  readonly certificate: number
  readonly atMs: number
  /** Hosts of the ORIGIN frame sent on it. */
  readonly originHosts: readonly string[] | undefined
}

/** What was asked. */
export interface Asked {
  readonly id: number
  readonly client: number
  readonly tag: string | undefined
  /** A host name, or what else stands in a URL's place of one. */
  readonly host: string
  readonly atMs: number
}

/** What came, and where. */
export interface Delivered {
  readonly connection: number
  /** Of the authority. */
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
  /** Client and tag of the first request: everything else on it must have the same. */
  partition: string | undefined
  first: string | undefined
  /** When the client had read something that came after ORIGIN. */
  heardAtMs: number
  /** Whether its own host led to where it is, when it was made. Looked at once: answers are not kept for ever. */
  ledThere: boolean | undefined
}

/** A host takes its answer along while it waits for others' handshakes, and busy processes see things late. Moved hosts stay far longer. */
export const SLACK_MS = 2_000
/** A dial begins with an answer, waits for others' handshakes, and takes its time: all within the deadline for connecting. */
export const DIAL_MS = 5_000
/** Answers are kept for so long: connections that are looked at for the first time are not older. */
const HISTORY_MS = 60_000
/** A 421 holds for five minutes; both ends of it are not looked at too closely. */
const DENIED_MS = 299_000

/** For this world: the ICANN suffixes that its names end with. */
const PUBLIC_SUFFIXES: ReadonlySet<string> = new Set(['example', 'uk', 'co.uk'])

export function credentialOf(client: number, tag: string | undefined, host: string): string {
  return `Bearer ${client}/${tag ?? '-'}/${host}`
}

/** By the subjectAltName alone: the very name, or a wildcard in place of its first label that is not directly on a public suffix. */
export function coversStrictly(certificate: number, host: string): boolean {
  const { names, commonName } = CERTIFICATES[certificate]!
  if (commonName !== undefined) return false
  if (names.includes(host)) return true
  const parent = host.slice(host.indexOf('.') + 1)
  return names.includes(`*.${parent}`) && parent.includes('.') && !PUBLIC_SUFFIXES.has(parent)
}

/** As a new connection is checked: a common name counts where there is no other, and so does any wildcard. */
function coversForItself(certificate: number, host: string): boolean {
  const { names, commonName } = CERTIFICATES[certificate]!
  const wildcard = `*.${host.slice(host.indexOf('.') + 1)}`
  return commonName === undefined ? names.includes(host) || names.includes(wildcard) : commonName === wildcard
}

const HOST_NAME = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/

export class Model {
  readonly #answers = new Map<string, Answer[]>()
  readonly #connections = new Map<number, Known>()
  /** By client, address, certificate and host: when the client read that it was turned away there. */
  readonly #denied = new Map<string, number>()

  get connections(): number {
    return this.#connections.size
  }

  /** A connection in words. */
  describe(number: number): string {
    const { address, serverName, certificate, first, partition } = this.#connections.get(number) ?? {}
    return `connection ${number} to ${address}, made for ${serverName}, certificate ${certificate}, first ${first} of ${partition}`
  }

  /** How long before a request the last answer with its connection's address came, milliseconds; NaN where there was none. */
  answerAgeMs({ client, host, atMs }: Asked, connection: number): number {
    const address = this.#connections.get(connection)?.address ?? ''
    const answers = this.#answers.get(`${client} ${host}`) ?? []
    return atMs - (answers.findLast(({ addresses }) => addresses.includes(address))?.atMs ?? Number.NaN)
  }

  /** The client's resolver has answered. */
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

  /** The client has an answer that came over this connection. */
  heard(connection: number, atMs: number): void {
    const known = this.#connections.get(connection)
    if (known !== undefined) known.heardAtMs = Math.min(known.heardAtMs, atMs)
  }

  /** The client has read a 421. That a server has sent one says little: it may have been lost. */
  turnedAway(client: number, address: string, certificate: number, host: string, atMs: number): void {
    this.#denied.set(`${client} ${address} ${certificate} ${host}`, atMs)
  }

  /** The rule that this delivery has broken, or nothing. */
  delivered(asked: Asked, delivery: Delivered): Misroute | undefined {
    if (delivery.host !== asked.host) return 'wrong-authority'
    if (delivery.credential !== credentialOf(asked.client, asked.tag, asked.host)) return 'wrong-credentials'
    const connection = this.#connections.get(delivery.connection)
    if (connection === undefined) return 'unknown-connection'
    const partition = `${asked.client} ${asked.tag ?? ''}`
    connection.partition ??= partition
    if (connection.partition !== partition) return 'other-partition'
    connection.first ??= asked.host
    if (!HOST_NAME.test(asked.host) || !HOST_NAME.test(connection.first)) {
      return connection.first === asked.host ? undefined : 'odd-origin'
    }
    if (connection.serverName === asked.host) return this.#own(connection, asked)
    return this.#shared(connection, asked)
  }

  /** A connection that was made for this host. */
  #own(connection: Known, { client, host }: Asked): Misroute | undefined {
    const { address, certificate, atMs } = connection
    if (!coversForItself(certificate, host) && CLIENTS[client]!.alone !== 'unauthorized') return 'own-certificate'
    connection.ledThere ??= this.#led(client, host, address, atMs - DIAL_MS) === 'now'
    return connection.ledThere ? undefined : 'own-address'
  }

  #shared(connection: Known, { client, host, atMs }: Asked): Misroute | undefined {
    const { address, certificate, serverName = '', originHosts, heardAtMs } = connection
    if (CLIENTS[client]!.alone !== undefined) return 'may-not-share'
    if (address === ADDRESSES[HTTP1_ADDRESS]) return 'http/1.1'
    if (KEPT_APART.has(host) || KEPT_APART.has(serverName)) return 'kept-apart'
    if (!coversStrictly(certificate, host)) return 'certificate'
    const led = this.#led(client, host, address, atMs)
    if (led !== 'now') return led === 'never' ? 'address-never' : 'address-stale'
    if (originHosts !== undefined && !originHosts.includes(host) && atMs > heardAtMs) return 'origin-set'
    const deniedAtMs = this.#denied.get(`${client} ${address} ${certificate} ${host}`) ?? Number.POSITIVE_INFINITY
    return atMs > deniedAtMs && atMs < deniedAtMs + DENIED_MS ? 'misdirected-again' : undefined
  }

  /** Whether the client was told that the host leads to that address: by an answer that still held, by an older one, or by none. */
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
