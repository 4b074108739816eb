/**
 * The events of one dial on `node:diagnostics_channel`: ours, and those of undici. Made only if a
 * channel of dials has a subscriber.
 */

import type { Connection } from '../transport/connection.js'
import type { Address } from '../transport/route.js'
import type { Target } from '../transport/target.js'
import { CHANNELS, isWatched, OPERATIONS, UNDICI } from './channels.js'
import type { ClientEvent, ConnectEvent, TlsEvent } from './events.js'
import { Operation } from './operation.js'
import { socketView } from './socket-view.js'

/** undici's description of a dial. */
interface ConnectParams {
  readonly host: string
  readonly hostname: string
  readonly protocol: string
  /** Empty for the default port. */
  readonly port: string
  readonly servername: string
  readonly version: 'h1' | 'h2' | undefined
}

/** Progress of a dial. */
interface DialProgress {
  onAttempt(address: Address): void
  onTcpConnected(): void
}

/** Whether a channel of dials has a subscriber. */
export function isDialTraced(): boolean {
  const { beforeConnect, connected, connectError } = UNDICI
  if (beforeConnect.hasSubscribers || connected.hasSubscribers || connectError.hasSubscribers) return true
  return CHANNELS.negotiate.hasSubscribers || isWatched(OPERATIONS.connect) || isWatched(OPERATIONS.tls)
}

let lastDialId = 0

/** The events of one dial. */
export class DialTrace {
  readonly #client: ClientEvent
  readonly #id: number = ++lastDialId
  readonly #target: Target
  readonly #connect: Operation<ConnectEvent> | undefined
  #tls: Operation<TlsEvent> | undefined

  constructor(client: ClientEvent, target: Target, addresses: readonly Address[]) {
    this.#client = client
    this.#target = target
    this.#connect = Operation.prepare(OPERATIONS.connect, () => ({
      ...this.#base(),
      addresses: addresses.map(({ address }) => address),
      proxy: target.proxy?.name,
    }))
  }

  /** Reports a dial from its beginning to its end. @param dial called with progress that is reported as well. */
  async follow(progress: DialProgress, dial: (watched: DialProgress) => Promise<Connection>): Promise<Connection> {
    const watched: DialProgress = {
      onAttempt: (address) => {
        this.#attempted(address)
        progress.onAttempt(address)
      },
      onTcpConnected: () => {
        this.#connected()
        progress.onTcpConnected()
      },
    }
    if (UNDICI.beforeConnect.hasSubscribers) UNDICI.beforeConnect.publish({ connectParams: this.#params(undefined) })
    try {
      const begin = (): Promise<Connection> => dial(watched)
      const connection = await (this.#connect === undefined ? begin() : this.#connect.run(begin))
      this.#established(connection)
      return connection
    } catch (error) {
      this.#failed(error)
      throw error
    }
  }

  #attempted({ address }: Address): void {
    if (this.#connect !== undefined) this.#connect.message.address = address
  }

  /** TCP is connected. */
  #connected(): void {
    this.#connect?.finish()
    if (this.#target.origin.scheme === 'https') this.#tls ??= Operation.begin(OPERATIONS.tls, () => this.#base())
  }

  #established({ id, protocol, route }: Connection): void {
    this.#connect?.finish()
    this.#tlsDone(protocol, route.tls)
    const { remoteAddress, remotePort } = route
    if (CHANNELS.negotiate.hasSubscribers)
      CHANNELS.negotiate.publish({ ...this.#base(), connection: id, protocol, remoteAddress, remotePort })
    if (!UNDICI.connected.hasSubscribers) return
    UNDICI.connected.publish({ connectParams: this.#params(protocol), socket: socketView(route, protocol) })
  }

  #failed(error: unknown): void {
    this.#connect?.finish(error)
    this.#tls?.finish(error)
    if (UNDICI.connectError.hasSubscribers) UNDICI.connectError.publish({ connectParams: this.#params(undefined), error })
  }

  #tlsDone(protocol: 'h2' | 'http/1.1', tls: { readonly version: string; readonly resumed: boolean } | undefined): void {
    if (this.#tls === undefined) return
    const { message } = this.#tls
    message.protocol = protocol
    if (tls !== undefined) Object.assign(message, { version: tls.version, resumed: tls.resumed })
    this.#tls.finish()
  }

  #base(): ClientEvent & { dial: number; origin: string } {
    return { ...this.#client, dial: this.#id, origin: this.#target.origin.serialized }
  }

  #params(protocol: 'h2' | 'http/1.1' | undefined): ConnectParams {
    const { scheme, host, serialized } = this.#target.origin
    const { port, host: authority } = new URL(serialized)
    const version = protocol === undefined ? undefined : protocol === 'h2' ? 'h2' : 'h1'
    return { host: authority, hostname: host, protocol: `${scheme}:`, port, servername: host, version }
  }
}
