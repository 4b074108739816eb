/** TCP to the first of several addresses that answers: Happy Eyeballs (RFC 8305 §5), one attempt more every 250 ms or failure. */

import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { Address } from '../connection.js'
import type { Clock, ClockTimer } from '../deadlines.js'
import { ConnectError, TimeoutError, UsageError } from '../errors.js'
import { type AddressMemory, interleave } from './address-order.js'

/** RFC 8305 §5: "Connection Attempt Delay". */
export const ATTEMPT_DELAY_MS = 250

/** What a race needs. */
export interface RaceOptions {
  readonly addresses: readonly Address[]
  readonly port: number
  readonly origin: string
  readonly localAddress: string | undefined
  readonly localPort?: number | undefined
  readonly clock: Clock
  /** What is known of the addresses, and learns what becomes of them; `host` is the name they belong to. */
  readonly memory?: { readonly known: AddressMemory; readonly host: string } | undefined
  /** Aborting ends every attempt; the race rejects with its reason. */
  readonly signal: AbortSignal
  /** Called as each address is tried. */
  onAttempt(address: Address): void
  /** Makes a socket that connects to `endpoint`, and tells `connect` when it has. A {@link UsageError} of it is the end of the race. */
  open?(endpoint: TcpEndpoint): Socket
}

/** Where an attempt leads, and from where. */
export type TcpEndpoint = Pick<TcpNetConnectOpts, 'host' | 'port' | 'localAddress' | 'localPort' | 'noDelay'> & { host: string }

/** Connects. @throws ConnectError phase `tcp` when every address has failed, naming each. */
export function race(options: RaceOptions): Promise<Socket> {
  return new Promise((resolve, reject) => new Race(options, resolve, reject).start())
}

/** One error as it is; of several, one that has them all and speaks for the last. */
function joined(errors: readonly Error[], message: string): Error {
  const last = errors.at(-1)!
  if (errors.length === 1) return last
  const { code, errno, syscall } = last as NodeJS.ErrnoException
  return Object.assign(new AggregateError(errors, message), { code, errno, syscall })
}

class Race {
  readonly #options: RaceOptions
  readonly #resolve: (socket: Socket) => void
  readonly #reject: (reason: unknown) => void
  readonly #left: Address[]
  readonly #sockets = new Map<Socket, Address>()
  readonly #failures: string[] = []
  readonly #errors: Error[] = []
  #timer: ClockTimer | undefined

  constructor(options: RaceOptions, resolve: (socket: Socket) => void, reject: (reason: unknown) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
    const { addresses, memory, port } = options
    this.#left = memory?.known.order(memory.host, port, addresses) ?? interleave(addresses)
  }

  start(): void {
    const { signal } = this.#options
    if (signal.aborted) return this.#reject(signal.reason)
    signal.addEventListener('abort', this.#aborted, { once: true })
    this.#attempt()
  }

  readonly #aborted = (): void => {
    const { signal, memory, port } = this.#options
    // Who has not answered by the deadline is as good as one who refuses.
    if (signal.reason instanceof TimeoutError) {
      for (const { address } of this.#sockets.values()) memory?.known.failed(port, address, 'ETIMEDOUT')
    }
    this.#finish()
    this.#reject(signal.reason)
  }

  #attempt(): void {
    this.#timer?.cancel()
    const address = this.#left.shift()!
    const { port, localAddress, localPort, clock, onAttempt, open = connect } = this.#options
    onAttempt(address)
    const local = { ...(localAddress !== undefined && { localAddress }), ...(localPort !== undefined && { localPort }) }
    let socket: Socket
    try {
      socket = open({ host: address.address, port, noDelay: true, ...local })
    } catch (error) {
      if (error instanceof UsageError) {
        this.#finish()
        return this.#reject(error)
      }
      // What Node refuses at once, such as a local address that is none.
      return this.#failed(address, error as Error)
    }
    this.#sockets.set(socket, address)
    socket.once('connect', () => this.#won(socket, address))
    socket.on('error', (error: Error) => this.#lost(socket, address, error))
    if (this.#left.length > 0) this.#timer = clock.startTimer(ATTEMPT_DELAY_MS, () => this.#attempt())
  }

  #won(socket: Socket, { address }: Address): void {
    if (!this.#sockets.delete(socket)) return
    const { memory, port } = this.#options
    memory?.known.won(memory.host, port, address)
    this.#finish()
    this.#resolve(socket)
  }

  #lost(socket: Socket, address: Address, error: Error): void {
    if (this.#sockets.delete(socket)) this.#failed(address, error)
  }

  #failed(address: Address, error: Error): void {
    const { memory, port } = this.#options
    const { code } = error as NodeJS.ErrnoException
    memory?.known.failed(port, address.address, code)
    this.#failures.push(`${address.address}: ${error.message}${code?.startsWith('EADDR') ? this.#from() : ''}`)
    this.#errors.push(error)
    if (this.#left.length > 0) return this.#attempt()
    if (this.#sockets.size > 0) return
    this.#finish()
    const { origin } = this.#options
    const message = `cannot connect to ${origin} (port ${port}): ${this.#failures.join('; ')}`
    this.#reject(new ConnectError('tcp', message, { origin, cause: joined(this.#errors, message) }))
  }

  /** The end that is at fault. */
  #from(): string {
    const { localAddress = 'any local address', localPort } = this.#options
    return ` (from ${localAddress}${localPort === undefined ? '' : `, port ${localPort}`})`
  }

  #finish(): void {
    this.#timer?.cancel()
    this.#options.signal.removeEventListener('abort', this.#aborted)
    for (const socket of this.#sockets.keys()) socket.destroy()
    this.#sockets.clear()
  }
}
