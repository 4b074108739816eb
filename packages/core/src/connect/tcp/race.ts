/**
 * The first of several addresses that is of use: Happy Eyeballs (RFC 8305 §5), one attempt more every 250 ms or failure. An address is of
 * use when its handshake is complete: one that accepts TCP and fails then must not keep the others from their turn.
 */

import { connect, isIP, type LookupFunction, type Socket, type TcpNetConnectOpts } from 'node:net'
import { ConnectError, TimeoutError, UsageError } from '../../errors/errors.js'
import type { Clock, ClockTimer } from '../../runtime/clock.js'
import { nextTick } from '../../runtime/event-loop.js'
import type { Address } from '../../transport/route.js'
import { type AddressMemory, interleave } from '../dns/address-order.js'

/** RFC 8305 §5: "Connection Attempt Delay". */
export const ATTEMPT_DELAY_MS = 250
/** A handshake that takes longer gets company: the next address is tried beside it, milliseconds. */
export const HANDSHAKE_DELAY_MS = 1_000

/** The ways of one race. */
export interface RaceOptions<Result = Socket> {
  readonly addresses: readonly Address[]
  /** They are in the order to try them in. */
  readonly inOrder?: boolean
  readonly port: number
  readonly origin: string
  readonly localAddress: string | undefined
  readonly localPort?: number | undefined
  /** Time without a byte after which TCP keepalive begins, milliseconds; `undefined` for none. */
  readonly keepAliveMs?: number | undefined
  readonly clock: Clock
  /** Memory of earlier attempts, which learns of these; `host` is the name that the addresses belong to. */
  readonly memory?: { readonly known: AddressMemory; readonly host: string } | undefined
  /** Aborting ends every attempt; the race rejects with its reason. */
  readonly signal: AbortSignal
  /** Called as each address is tried. */
  onAttempt(address: Address): void
  /** Called as the first socket is connected. */
  onConnected?(): void
  /** Makes a socket that connects to `endpoint`, and tells `connect` when it has. A {@link UsageError} of it is the end of the race. */
  open?(endpoint: TcpEndpoint): Socket
  /**
   * Completes a socket that is connected, such as by TLS. A {@link UsageError} of it, or a {@link ConnectError} of phase `negotiate`,
   * is the end of the race: at another address it would be the same. Default: nothing.
   */
  complete?(socket: Socket, signal: AbortSignal): Promise<Result>
}

/** Where an attempt leads, and from where. */
export type TcpEndpoint = Pick<
  TcpNetConnectOpts,
  'host' | 'port' | 'localAddress' | 'localPort' | 'noDelay' | 'lookup' | 'autoSelectFamily'
> & { host: string }

/**
 * Connects, and completes the connection.
 * @throws ConnectError phase `tcp` when every address has failed, naming each; where they have failed later, the phase of the last one.
 */
export function race<Result = Socket>(options: RaceOptions<Result>): Promise<Result> {
  return new Promise((resolve, reject) => new Race(options, resolve, reject).start())
}

/** One error as it is; of several, one that has them all and speaks for the last. */
function joined(errors: readonly Error[], message: string): Error {
  const last = errors.at(-1)!
  if (errors.length === 1) return last
  const { code, errno, syscall } = last as NodeJS.ErrnoException
  return Object.assign(new AggregateError(errors, message), { code, errno, syscall })
}

/**
 * The name, with a lookup that gives the address that was chosen: a library that intercepts sockets, such as those that answer in tests, sees which
 * host is meant. Without a name the address.
 */
function destination(name: string | undefined, { address }: Address): Pick<TcpEndpoint, 'host' | 'lookup' | 'autoSelectFamily'> {
  const family = isIP(address)
  if (name === undefined || family === 0 || isIP(name) !== 0) return { host: address }
  // Later, as Node's own: a socket that fails inside `connect` fails before anything listens.
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
  /** Sockets that are being connected. */
  readonly #connecting = new Map<Socket, Address>()
  /** Sockets that are connected, and not complete. */
  readonly #completing = new Map<Socket, Address>()
  readonly #failures: string[] = []
  readonly #errors: Error[] = []
  readonly #stop = new AbortController()
  #timer: ClockTimer | undefined
  #over = false

  constructor(options: RaceOptions<Result>, resolve: (result: Result) => void, reject: (reason: unknown) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
    const { addresses, inOrder, memory, port } = options
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
    // An address that has not answered by the deadline is as good as one that refuses.
    if (reason instanceof TimeoutError) {
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
      // Node refuses some at once, such as a local address that is not valid.
      return this.#failed(address, error as Error)
    }
    this.#connecting.set(socket, address)
    socket.once('connect', () => this.#connected(socket, address))
    socket.on('error', (error: Error) => {
      if (this.#connecting.delete(socket)) this.#failed(address, error)
    })
    this.#attemptLater(ATTEMPT_DELAY_MS)
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
    this.#attemptLater(HANDSHAKE_DELAY_MS)
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

  /** Attempts that have not connected are taken back: they come first when the one that has fails, or takes long. */
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
    this.#failures.push(`${address.address}: ${error.message}${code?.startsWith('EADDR') ? this.#from() : ''}`)
    this.#errors.push(error)
    if (this.#left.length > 0) return this.#attempt()
    if (this.#connecting.size + this.#completing.size === 0) this.#fail(this.#error())
  }

  #error(): Error {
    const { origin } = this.#options
    const last = this.#errors.at(-1)!
    // A single failure after TCP has a message of its own.
    if (last instanceof ConnectError && this.#errors.length === 1) return last
    const message = `cannot connect to ${origin} (port ${this.#options.port}): ${this.#failures.join('; ')}`
    const phase = last instanceof ConnectError ? last.phase : 'tcp'
    const causes = this.#errors.map((error) =>
      error instanceof ConnectError ? ((error.cause as Error | undefined) ?? error) : error,
    )
    return new ConnectError(phase, message, { origin, cause: joined(causes, message) })
  }

  /** The end that is at fault. */
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
