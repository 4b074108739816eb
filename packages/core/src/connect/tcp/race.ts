/**
 * Connects to the first usable address: Happy Eyeballs (RFC 8305 §5), with another attempt after
 * every 250 ms or failure. Usable means that the handshake is complete: an address that accepts TCP
 * and then fails must not block the others.
 */

import { connect, isIP, type LookupFunction, type Socket, type TcpNetConnectOpts } from 'node:net'
import { ConnectError, TimeoutError, textOf, UsageError } from '../../errors/errors.js'
import type { Clock, ClockTimer } from '../../runtime/clock.js'
import { nextTick } from '../../runtime/event-loop.js'
import type { Address } from '../../transport/route.js'
import { type AddressMemory, interleave } from '../dns/address-order.js'

/** RFC 8305 §5: "Connection Attempt Delay". */
export const ATTEMPT_DELAY_MS = 250
/**
 * A handshake that takes longer, in milliseconds, causes an attempt at the next address in
 * parallel.
 */
export const HANDSHAKE_DELAY_MS = 1_000

/**
 * The delays before an address that has failed recently, in milliseconds, while TCP and while a
 * handshake is in progress: an address that works may be far away, busy or lossy, and one that
 * accepts TCP and then fails must not win against it because it is near. A lost SYN is sent again
 * after 1 s and 3 s (RFC 6298 §2).
 */
export const FAILED_DELAY_MS = 3_000
export const FAILED_HANDSHAKE_DELAY_MS = 5_000

/** Time after which an address counts as failed at the end of a request with a short deadline, in milliseconds. */
const FAIR_MS = 1_000

/** Options of one race. */
export interface RaceOptions<Result = Socket> {
  readonly addresses: readonly Address[]
  /** Whether the addresses are sorted already. */
  readonly inOrder?: boolean
  readonly port: number
  readonly origin: string
  readonly localAddress: string | undefined
  readonly localPort?: number | undefined
  /** Idle time before TCP keepalive, in milliseconds; `undefined` turns it off. */
  readonly keepAliveMs?: number | undefined
  readonly clock: Clock
  /** Memory of earlier attempts, updated by this race; `host` is the name of the addresses. */
  readonly memory?: { readonly known: AddressMemory; readonly host: string } | undefined
  /** Aborts every attempt; the race rejects with its reason. */
  readonly signal: AbortSignal
  /** Called when an attempt at an address starts. */
  onAttempt(address: Address): void
  /** Called when a socket is connected. */
  onConnected?(): void
  /** Opens a socket to `endpoint` that emits `connect`. A {@link UsageError} ends the race. */
  open?(endpoint: TcpEndpoint): Socket
  /**
   * Completes a connected socket, e.g. by TLS. Default: none. A {@link UsageError}, or a
   * {@link ConnectError} of phase `negotiate`, ends the race, because other addresses would fail
   * the same way.
   */
  complete?(socket: Socket, signal: AbortSignal): Promise<Result>
}

/** The remote and local address of an attempt. */
export type TcpEndpoint = Pick<
  TcpNetConnectOpts,
  'host' | 'port' | 'localAddress' | 'localPort' | 'noDelay' | 'lookup' | 'autoSelectFamily'
> & { host: string }

/**
 * Connects to the first usable address.
 * @throws ConnectError phase `tcp` if every address failed, naming each; if they failed after TCP,
 *   with the phase of the last one.
 */
export function race<Result = Socket>(options: RaceOptions<Result>): Promise<Result> {
  return new Promise((resolve, reject) => new Race(options, resolve, reject).start())
}

/** Returns a single error as is; several as an AggregateError with the code of the last. */
function joined(errors: readonly Error[], message: string): Error {
  const last = errors.at(-1)!
  if (errors.length === 1) return last
  const { code, errno, syscall } = last as NodeJS.ErrnoException
  return Object.assign(new AggregateError(errors, message), { code, errno, syscall })
}

/**
 * Passes the host name with a lookup that returns the chosen address, so that libraries that
 * intercept sockets in tests see the host. Without a name, passes the address.
 */
function destination(name: string | undefined, { address }: Address): Pick<TcpEndpoint, 'host' | 'lookup' | 'autoSelectFamily'> {
  const family = isIP(address)
  if (name === undefined || family === 0 || isIP(name) !== 0) return { host: address }
  // Asynchronous, as in Node: a socket that fails inside `connect` fails before it has listeners.
  const lookup: LookupFunction = (_host, { all }, callback) =>
    nextTick(() => (all === true ? callback(null, [{ address, family }]) : callback(null, address, family)))
  // The race has its own order of addresses (RFC 8305).
  return { host: name, lookup, autoSelectFamily: false }
}

class Race<Result> {
  readonly #options: RaceOptions<Result>
  readonly #resolve: (result: Result) => void
  readonly #reject: (reason: unknown) => void
  readonly #left: Address[]
  /** Sockets waiting for TCP. */
  readonly #connecting = new Map<Socket, Address>()
  /** Connected sockets whose handshake is pending. */
  readonly #completing = new Map<Socket, Address>()
  readonly #failures: string[] = []
  readonly #errors: Error[] = []
  readonly #stop = new AbortController()
  #timer: ClockTimer | undefined
  readonly #startedAt: number
  #over = false

  constructor(options: RaceOptions<Result>, resolve: (result: Result) => void, reject: (reason: unknown) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
    const { addresses, inOrder, memory, port } = options
    this.#startedAt = options.clock.now()
    if (inOrder === true) this.#left = [...addresses]
    else this.#left = memory?.known.order(memory.host, port, addresses) ?? interleave(addresses)
  }

  start(): void {
    const { signal } = this.#options
    if (signal.aborted) return this.#reject(signal.reason)
    signal.addEventListener('abort', this.#aborted, { once: true })
    this.#attempt()
  }

  readonly #aborted = (): void => {
    const { reason } = this.#options.signal
    // An address without a result by the deadline counts as failed, unless the request had no time for a far one.
    if (
      reason instanceof TimeoutError &&
      (reason.phase === 'connect' || this.#options.clock.now() - this.#startedAt >= FAIR_MS)
    ) {
      for (const address of [...this.#connecting.values(), ...this.#completing.values()]) this.#demote(address)
    }
    this.#fail(reason)
  }

  #attempt(): void {
    this.#timer?.cancel()
    const address = this.#left.shift()!
    const { port, localAddress, localPort, onAttempt, open = connect, memory } = this.#options
    onAttempt(address)
    const local = { ...(localAddress !== undefined && { localAddress }), ...(localPort !== undefined && { localPort }) }
    let socket: Socket
    try {
      socket = open({ ...destination(memory?.host, address), port, noDelay: true, ...local })
    } catch (error) {
      if (error instanceof UsageError) return this.#fail(error)
      // Node throws for some errors, such as an invalid local address.
      return this.#failed(address, error as Error)
    }
    this.#connecting.set(socket, address)
    socket.once('connect', () => this.#connected(socket, address))
    socket.on('error', (error: Error) => {
      if (this.#connecting.delete(socket)) this.#failed(address, error)
    })
    this.#attemptLater(this.#yieldsTo(address) ? FAILED_DELAY_MS : ATTEMPT_DELAY_MS)
  }

  /** Whether the next address is known to be worse than this one. */
  #yieldsTo({ address }: Address): boolean {
    const { memory, port } = this.#options
    const [next] = this.#left
    return memory !== undefined && next !== undefined && memory.known.isWorse(port, next.address, address)
  }

  #attemptLater(delayMs: number): void {
    this.#timer?.cancel()
    if (this.#left.length > 0) this.#timer = this.#options.clock.startTimer(delayMs, () => this.#attempt())
  }

  #connected(socket: Socket, address: Address): void {
    if (!this.#connecting.delete(socket)) return
    const { onConnected, complete, keepAliveMs } = this.#options
    if (keepAliveMs !== undefined) socket.setKeepAlive(true, keepAliveMs)
    onConnected?.()
    // The callback may end the race.
    if (this.#over) return void socket.destroy()
    if (complete === undefined) return this.#won(socket, socket as Result)
    this.#completing.set(socket, address)
    this.#recall()
    this.#attemptLater(this.#yieldsTo(address) ? FAILED_HANDSHAKE_DELAY_MS : HANDSHAKE_DELAY_MS)
    complete(socket, this.#stop.signal).then(
      (result) => this.#won(socket, result),
      (error: unknown) => {
        if (!this.#completing.delete(socket)) return
        if (error instanceof UsageError || (error instanceof ConnectError && error.phase === 'negotiate'))
          return this.#fail(error)
        this.#demote(address)
        this.#failed(address, error as Error)
      },
    )
  }

  #demote({ address }: Address): void {
    const { memory, port } = this.#options
    memory?.known.demote(memory.host, port, address)
  }

  /**
   * Cancels attempts that have not connected. They are repeated first if the connected one fails or
   * is slow.
   */
  #recall(): void {
    for (const [socket, address] of [...this.#connecting].reverse()) {
      this.#connecting.delete(socket)
      socket.destroy()
      this.#left.unshift(address)
    }
  }

  #won(socket: Socket, result: Result): void {
    if (this.#over) return
    this.#completing.delete(socket)
    this.#finish()
    this.#resolve(result)
  }

  #failed(address: Address, error: Error): void {
    if (this.#over) return
    const { memory, port } = this.#options
    const { code } = error as NodeJS.ErrnoException
    memory?.known.failed(port, address.address, code)
    this.#failures.push(`${address.address}: ${textOf(error)}${code?.startsWith('EADDR') ? this.#from() : ''}`)
    this.#errors.push(error)
    if (this.#left.length > 0) return this.#attempt()
    if (this.#connecting.size + this.#completing.size === 0) this.#fail(this.#error())
  }

  #error(): Error {
    const { origin } = this.#options
    const last = this.#errors.at(-1)!
    // A single failure after TCP has its own message.
    if (last instanceof ConnectError && this.#errors.length === 1) return last
    const message = `cannot connect to port ${this.#options.port}: ${this.#failures.join('; ')}`
    const phase = last instanceof ConnectError ? last.phase : 'tcp'
    const causes = this.#errors.map((error) =>
      error instanceof ConnectError ? ((error.cause as Error | undefined) ?? error) : error,
    )
    return new ConnectError(phase, message, { origin, cause: joined(causes, message) })
  }

  /** The local address, which caused the error. */
  #from(): string {
    const { localAddress = 'any local address', localPort } = this.#options
    return ` (from ${localAddress}${localPort === undefined ? '' : `, port ${localPort}`})`
  }

  #fail(reason: unknown): void {
    if (this.#over) return
    this.#finish()
    this.#reject(reason)
  }

  #finish(): void {
    this.#over = true
    this.#timer?.cancel()
    this.#options.signal.removeEventListener('abort', this.#aborted)
    const sockets = [...this.#connecting.keys(), ...this.#completing.keys()]
    this.#connecting.clear()
    this.#completing.clear()
    if (sockets.length > 0) this.#stop.abort(new Error('another address was faster'))
    for (const socket of sockets) socket.destroy()
  }
}
