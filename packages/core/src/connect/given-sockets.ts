/**
 * Sockets that the caller brings, in place of dialling. They are read and written, and nothing else: the caller made them, and closes
 * them. What they carry ends when they do.
 */

import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { Address, Carrier } from '../connection.js'
import { ConnectError, UsageError } from '../errors.js'
import { nextTick } from '../event-loop.js'
import type { Origin } from '../message/origin.js'
import { invalidOption } from '../option-checks.js'

/** Where a connection is wanted to. */
export interface SocketEndpoint {
  readonly host: string
  readonly port: number
  /** One of those that the host resolved to. */
  readonly address: string
}

/** A connected socket, or anything that carries octets both ways: one, one for each `ip:port` (IPv6 in brackets), or a function. */
export type SocketsOption = Duplex | ReadonlyMap<string, Duplex> | ((endpoint: SocketEndpoint) => Duplex | undefined)

/** One socket is one connection, whichever client has it: what two of them wrote would be one stream of octets. */
const used = new WeakSet<Duplex>()

/** What a client was given. */
export class GivenSockets {
  readonly #option: SocketsOption

  /** @throws UsageError `ERR_INVALID_OPTION`. */
  constructor(option: SocketsOption) {
    if (!isDuplex(option) && typeof option !== 'function' && typeof (option as { get?: unknown } | null)?.get !== 'function') {
      throw invalidOption('sockets', 'a Duplex, a Map of them, or a function', option)
    }
    this.#option = option
  }

  /** A single socket leads where it leads: nobody has to be asked for addresses. */
  get needsNoAddress(): boolean {
    return isDuplex(this.#option)
  }

  /**
   * A socket for a connection to `origin`; `undefined` where it is to be dialled.
   * @throws ConnectError phase `tcp`, code `ERR_SOCKET_UNUSABLE`, for one that was used before, has ended or is not connected; UsageError for what is none.
   */
  take(origin: Origin, addresses: readonly Address[]): GivenSocket | undefined {
    const given = this.#find(origin, addresses)
    if (given === undefined) return undefined
    const { serialized } = origin
    const why = whyUnusable(given)
    if (why !== undefined) {
      throw new ConnectError('tcp', `the socket that was given for ${serialized} ${why}`, {
        ...{ code: 'ERR_SOCKET_UNUSABLE', origin: serialized },
      })
    }
    used.add(given)
    return new GivenSocket(given)
  }

  #find(origin: Origin, addresses: readonly Address[]): Duplex | undefined {
    const option = this.#option
    if (isDuplex(option)) return option
    const { host, port, serialized } = origin
    for (const { address, family } of addresses) {
      const named = family === 6 ? `[${address}]:${port}` : `${address}:${port}`
      const given = typeof option === 'function' ? ask(option, { host, port, address }, serialized) : option.get(named)
      if (given === undefined) continue
      if (isDuplex(given)) return given
      throw new UsageError('ERR_INVALID_SOCKET', `option sockets has no Duplex for ${named} (${serialized})`, {
        origin: serialized,
      })
    }
    return undefined
  }
}

/** One that is not connected yet cannot say what its ALPN will choose. */
function whyUnusable(given: Duplex): string | undefined {
  const { connecting, secureConnecting } = given as { connecting?: boolean; secureConnecting?: boolean }
  if (used.has(given)) return 'has carried a connection'
  if (connecting === true || secureConnecting === true) return 'is not connected yet'
  return given.destroyed || !given.readable || !given.writable ? 'has ended' : undefined
}

function ask(
  option: Extract<SocketsOption, (...all: never[]) => unknown>,
  endpoint: SocketEndpoint,
  origin: string,
): Duplex | undefined {
  try {
    return option(endpoint)
  } catch (cause) {
    throw new UsageError('ERR_SOCKETS_FUNCTION', `the function sockets threw when asked about ${origin}`, { origin, cause })
  }
}

/** A caller's socket on loan: when this is destroyed the socket is left, open and paused. */
export class GivenSocket extends Duplex implements Carrier {
  readonly given: Duplex
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /** The socket has more than it can send. */
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
    // Between one owner and the next an error must not become an exception of the process.
    this.on('error', () => undefined)
  }

  /** Whether a process stays for it is the caller's to say. */
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
    ['close', () => void this.destroy(new Error('the socket that was given was closed'))],
    ['drain', () => this.#drained()],
  ]

  override _read(): void {
    this.given.resume()
  }

  override _write(part: Uint8Array, _encoding: BufferEncoding, callback: () => void): void {
    if (this.given.write(part)) callback()
    else this.#written = callback
  }

  /** Our end was said, for all that can be said without closing. */
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
