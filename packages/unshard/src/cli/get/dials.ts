/** Where connections go: `--resolve`, `--connect-to`, `-4` and `-6`. */

import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { ClientOptions } from '@unshard/core'
import { invalidValue } from '../errors.js'
import { type ConnectTo, connectToOf, LaterSocket } from './connect-to.js'
import type { GetValues } from './options.js'

/** Addresses of a host at one port. */
interface Resolved {
  readonly host: string
  readonly port: number
  readonly addresses: readonly string[]
}

/** The options of a client about its dials, and the sockets that it does not close itself. */
export class Dials {
  readonly #resolved: readonly Resolved[]
  readonly #routes: readonly ConnectTo[]
  readonly #family: 0 | 4 | 6
  readonly #localAddress: string | undefined
  readonly #sockets = new Set<LaterSocket>()

  /** @throws CommandError. */
  constructor({ resolve, connectTo, ipv4, ipv6, interface: localAddress }: GetValues) {
    this.#localAddress = localAddress
    this.#resolved = (resolve ?? []).map(resolvedOf)
    this.#routes = (connectTo ?? []).map(connectToOf)
    this.#family = ipv4 === true ? 4 : ipv6 === true ? 6 : 0
  }

  /** Whether addresses of one host differ by port, so that equal addresses prove nothing. */
  get dependsOnPorts(): boolean {
    return this.#routes.some(({ fromPort }) => fromPort !== undefined)
  }

  get options(): Pick<ClientOptions, 'lookup' | 'sockets'> {
    if (this.#resolved.length === 0 && this.#routes.length === 0 && this.#family === 0) return {}
    return { lookup: this.#lookup, sockets: ({ host, port, address }) => this.#socket(host, port, address) }
  }

  /** Closes the sockets. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** A lookup does not know the port: the first entry for the host answers, and {@link #socket} corrects it. */
  readonly #lookup: LookupFunction = (name, options: LookupOptions, callback) => {
    const host = this.#routeOf(name)?.host ?? name
    const found = isIP(host) === 0 ? this.#entryOf(host)?.addresses : [host]
    const family = this.#family
    if (found === undefined) return systemLookup(host, { ...options, ...(family !== 0 && { family }) }, callback as never)
    const all = found.map((address): LookupAddress => ({ address, family: isIP(address) }))
    const usable = all.filter((each) => family === 0 || each.family === family)
    const error = Object.assign(new Error(`${host} has no IPv${family} address`), { code: 'ENOTFOUND' })
    process.nextTick(() => (usable.length === 0 ? callback(error, []) : callback(null, usable)))
  }

  /** The socket for a host and port; `undefined` if the client can dial the address that it resolved. */
  #socket(host: string, port: number, address: string): LaterSocket | undefined {
    const route = this.#routeOf(host, port)
    const target = { host: route?.host ?? host, port: route?.port ?? port }
    const asked = this.#routeOf(host)?.host ?? host
    const isRightHost = asked === target.host
    const isRightAddress = this.#entryOf(target.host)?.addresses === this.#entryOf(target.host, target.port)?.addresses
    if (isRightHost && isRightAddress) return target.port === port ? undefined : this.#open(address, target.port)
    return this.#open(this.#entryOf(target.host, target.port)?.addresses[0] ?? target.host, target.port)
  }

  #open(host: string, port: number): LaterSocket {
    const socket = new LaterSocket({ host, port, family: this.#family, localAddress: this.#localAddress })
    this.#sockets.add(socket)
    return socket
  }

  #routeOf(host: string, port?: number): ConnectTo | undefined {
    return this.#routes.find(
      (route) =>
        (route.from === undefined || route.from === host) &&
        (port === undefined || route.fromPort === undefined || route.fromPort === port),
    )
  }

  #entryOf(host: string, port?: number): Resolved | undefined {
    return this.#resolved.find(
      (entry) => (entry.host === host || entry.host === '*') && (port === undefined || entry.port === port),
    )
  }
}

/** Reads `[+]host:port:address[,address…]`; the host `*` is every host. */
function resolvedOf(entry: string): Resolved {
  const text = entry.startsWith('+') ? entry.slice(1) : entry
  const hostEnd = text.startsWith('[') ? text.indexOf(']') + 1 : text.indexOf(':')
  const portEnd = text.indexOf(':', hostEnd + 1)
  const port = Number(text.slice(hostEnd + 1, portEnd))
  const addresses = text
    .slice(portEnd + 1)
    .split(',')
    .map((address) => (address.startsWith('[') ? address.slice(1, -1) : address))
  const isValid = hostEnd > 0 && portEnd > hostEnd + 1 && Number.isInteger(port) && port <= 65_535
  if (!isValid || addresses.some((address) => isIP(address) === 0))
    throw invalidValue('--resolve', 'HOST:PORT:ADDRESS[,ADDRESS…]', entry)
  return { host: text.slice(0, hostEnd).toLowerCase(), port, addresses }
}
