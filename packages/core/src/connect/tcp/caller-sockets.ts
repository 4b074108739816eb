/**
 * User-supplied sockets, used instead of dialing. They are read and written, never closed: that is up to the caller. A connection ends when
 * its socket does.
 */

import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { ConnectError, UsageError } from '../../errors/errors.js'
import type { Origin } from '../../message/origin.js'
import { nextTick } from '../../runtime/event-loop.js'
import { invalidOption } from '../../schema/option-checks.js'
import type { Address, Carrier } from '../../transport/route.js'

/** Destination of a connection. */
export interface SocketEndpoint {
  readonly host: string
  readonly port: number
  /** An address that the host resolved to. */
  readonly address: string
}

/** A connected socket, or anything that carries bytes both ways: one, one for each `ip:port` (IPv6 in brackets), or a function. */
export type SocketsOption =
  | Duplex
  | ReadonlyMap<string, Duplex>
  | Readonly<Record<string, Duplex>>
  | ((endpoint: SocketEndpoint) => Duplex | undefined)

/** A socket for a connection, and the address that it was found under; `undefined` where no address was asked for. */
export interface TakenSocket {
  readonly socket: CallerSocket
  readonly address: Address | undefined
}

/** A socket may carry one connection only, across all clients: two writers would interleave their bytes. */
const used = new WeakSet<Duplex>()

/** User-supplied sockets of a client. */
export class CallerSockets {
  /** A single socket for every origin. */
  readonly #only: Duplex | undefined
  readonly #ask: (endpoint: SocketEndpoint, name: string) => unknown

  /** @throws UsageError `ERR_INVALID_OPTION`. */
  constructor(option: SocketsOption) {
    this.#only = isDuplex(option) ? option : undefined
    if (typeof option === 'function') this.#ask = (endpoint) => option(endpoint)
    else if (isMap(option)) this.#ask = (_endpoint, name) => option.get(name)
    else if (isRecord(option)) this.#ask = (_endpoint, name) => (Object.hasOwn(option, name) ? option[name] : undefined)
    else if (this.#only !== undefined) this.#ask = () => undefined
    else throw invalidOption('sockets', 'a Duplex, a Map or an object of them by ip:port, or a function', option)
  }

  /** Whether no name must be resolved: a single socket is used whatever the address. */
  get needsNoAddress(): boolean {
    return this.#only !== undefined
  }

  /**
   * A socket for a connection to `origin`; `undefined` if the client must dial, also because the socket for its address is in use.
   * @throws ConnectError phase `tcp`, code `ERR_SOCKET_UNUSABLE`, for one that has ended or is not connected, and for the only one where it was used
   * before; UsageError for what is not a socket.
   */
  take(origin: Origin, addresses: readonly Address[]): TakenSocket | undefined {
    const found = this.#only === undefined ? this.#find(origin, addresses) : { given: this.#only, address: undefined }
    if (found === undefined) return undefined
    const { given, address } = found
    const { serialized } = origin
    const why = whyUnusable(given)
    if (why !== undefined) {
      throw new ConnectError('tcp', `the socket for ${serialized} ${why}`, {
        ...{ code: 'ERR_SOCKET_UNUSABLE', origin: serialized },
      })
    }
    used.add(given)
    return { socket: new CallerSocket(given), address }
  }

  #find(origin: Origin, addresses: readonly Address[]): { given: Duplex; address: Address } | undefined {
    const { host, port, serialized } = origin
    for (const address of addresses) {
      const name = address.family === 6 ? `[${address.address}]:${port}` : `${address.address}:${port}`
      const given = this.#askFor({ host, port, address: address.address }, name, serialized)
      if (given === undefined || (isDuplex(given) && used.has(given))) continue
      if (isDuplex(given)) return { given, address }
      throw new UsageError('ERR_INVALID_SOCKET', `option sockets has no Duplex for ${name}`, {
        origin: serialized,
      })
    }
    return undefined
  }

  #askFor(endpoint: SocketEndpoint, name: string, origin: string): unknown {
    try {
      return this.#ask(endpoint, name)
    } catch (cause) {
      throw new UsageError('ERR_SOCKETS_FUNCTION', `the function sockets threw for ${origin}`, { origin, cause })
    }
  }
}

/** The result of ALPN is not known before the socket is connected. */
function whyUnusable(given: Duplex): string | undefined {
  const { connecting, secureConnecting } = given as { connecting?: boolean; secureConnecting?: boolean }
  if (used.has(given)) return 'has already been used: pass a function that returns new ones'
  if (connecting === true || secureConnecting === true) return 'is not connected yet'
  return given.destroyed || !given.readable || !given.writable ? 'has ended' : undefined
}

/** A user-supplied socket on loan: destroying this leaves the socket open and paused. */
export class CallerSocket extends Duplex implements Carrier {
  readonly given: Duplex
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /** The socket has more bytes than it can send. */
  #written: (() => void) | undefined

  constructor(given: Duplex) {
    super({ allowHalfOpen: false })
    this.given = given
    const { remoteAddress, remotePort, localAddress, localPort } = given as Partial<Socket>
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    this.localAddress = localAddress
    this.localPort = localPort
    given.pause()
    for (const [event, listener] of this.#listeners) given.on(event, listener)
    // Between two owners an error must not become an uncaught exception.
    this.on('error', () => undefined)
  }

  /** Does nothing: the caller decides whether the socket keeps the process alive. */
  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  readonly #listeners: readonly (readonly [event: string, listener: Listener])[] = [
    ['data', (part: Buffer) => void (this.push(part) || this.given.pause())],
    ['end', () => void this.push(null)],
    ['error', (error: Error) => void this.destroy(error)],
    ['close', () => void this.destroy(new Error('the user-supplied socket was closed'))],
    ['drain', () => this.#drained()],
  ]

  override _read(): void {
    this.given.resume()
  }

  override _write(part: Uint8Array, _encoding: BufferEncoding, callback: () => void): void {
    if (this.given.write(part)) callback()
    else this.#written = callback
  }

  /** Ends the writable side without closing the socket. */
  override _final(callback: () => void): void {
    callback()
    nextTick(() => this.destroy())
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    for (const [event, listener] of this.#listeners) this.given.off(event, listener)
    if (!this.given.destroyed) this.given.pause()
    this.#written = undefined
    callback(error)
  }

  #drained(): void {
    const written = this.#written
    this.#written = undefined
    written?.()
  }
}

// biome-ignore lint/suspicious/noExplicitAny: each event has its own argument.
type Listener = (argument: any) => void

function isDuplex(value: unknown): value is Duplex {
  const { write, on, resume } = (value ?? {}) as Partial<Duplex>
  return [write, on, resume].every((member) => typeof member === 'function')
}

function isMap(value: unknown): value is ReadonlyMap<string, Duplex> {
  return typeof (value as { get?: unknown } | null)?.get === 'function'
}

/** Whether an object has at least one member, and only sockets. */
function isRecord(value: unknown): value is Readonly<Record<string, Duplex>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isDuplex(value)) return false
  const members = Object.values(value)
  return members.length > 0 && members.every(isDuplex)
}
