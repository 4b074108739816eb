/**
 * An HTTP/1.1 connection over one negotiated socket. The wire is undici's; its client file is imported alone, because the package's
 * index replaces the dispatcher that Node's own fetch uses and takes three times as long to load.
 */

import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { buildConnector, Client, Dispatcher } from 'undici'
import {
  type Carrier,
  type Connection,
  type ConnectionState,
  type Exchange,
  type ExchangeObserver,
  nextConnectionId,
  type Route,
} from '../connection.js'
import { ConnectionError, UsageError } from '../errors.js'
import type { SerializedOrigin } from '../message/origin.js'
import type { HttpRequest } from '../message/request.js'
import type { ResolvedPoolSettings } from '../pool-settings.js'
import { H1Exchange } from './exchange.js'

const UndiciClient = createRequire(import.meta.url)('undici/lib/dispatcher/client.js') as typeof Client

/** What a connection runs on. */
export interface H1Options {
  /** The largest field section of a response, octets. */
  readonly maxFieldSectionBytes: number
  readonly pool: Pick<ResolvedPoolSettings, 'maxRequestsPerConnection'>
}

/** undici over the socket that ALPN has left us with. */
export class H1Connection implements Connection {
  readonly id: number = nextConnectionId()
  readonly protocol = 'http/1.1'
  readonly route: Route
  readonly originSet: ReadonlySet<SerializedOrigin> | undefined = undefined
  onChange: (() => void) | undefined
  readonly #socket: Carrier
  readonly #forwarding: readonly string[] | undefined
  readonly #client: Client
  readonly #closed: Promise<void>
  #state: ConnectionState = 'open'
  #exchange: H1Exchange | undefined
  /** Requests that may still be sent. */
  #left: number
  /** Nothing can have been said out of turn: the connection is new in this turn, or has just been left for one. */
  #aired = true
  #verifying = false

  /** @param forwarding the socket leads to a proxy that forwards requests, and this is what it is sent with each of them. */
  constructor(socket: Carrier, route: Route, { maxFieldSectionBytes, pool }: H1Options, forwarding?: readonly string[]) {
    this.#left = pool.maxRequestsPerConnection === 0 ? Number.POSITIVE_INFINITY : pool.maxRequestsPerConnection
    this.#socket = socket
    this.#forwarding = forwarding
    this.route = route
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
    this.#client = new UndiciClient(route.origin.serialized, {
      connect: this.#hand(),
      pipelining: 1,
      maxHeaderSize: maxFieldSectionBytes,
      // The request's deadlines are the ones that count. What stays is undici's limit on idle sockets, 4 s or less where the server
      // says so: servers close theirs after few seconds, and a request on its way then is lost.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    socket.on('error', () => this.#gone())
    socket.on('close', () => this.#gone())
    socket.on('readable', this.#early)
    socket.unref()
    setImmediate(() => {
      this.#aired = false
    })
  }

  get state(): ConnectionState {
    return this.#state
  }

  get capacity(): number {
    return this.#state === 'open' && this.#exchange === undefined ? 1 : 0
  }

  get active(): number {
    return this.#exchange === undefined ? 0 : 1
  }

  request(request: HttpRequest, observer: ExchangeObserver): Exchange {
    const origin = request.origin.serialized
    if (request.trailers !== undefined) {
      throw new UsageError('ERR_TRAILERS_UNSUPPORTED', `${origin} speaks HTTP/1.1, over which trailers are not sent`, { origin })
    }
    if (this.#exchange === undefined) this.#socket.ref()
    this.#aired = false
    const exchange = new H1Exchange(request, observer, () => this.#released(exchange), this.#forwarding)
    this.#exchange = exchange
    this.#left--
    if (request.close) this.#drain()
    // Later: what undici refuses it refuses at once, and nothing may be called back before this returns.
    queueMicrotask(() => this.#client.dispatch(exchange.dispatchOptions(), exchange as unknown as Dispatcher.DispatchHandler))
    return exchange
  }

  /**
   * HTTP/1.1 answers bear no number: whatever a server sends now would be taken for the answer to the next request. So an idle socket is
   * left for one whole turn of the event loop, wherever in a turn this is; what lies in it is read by then, and ends it.
   */
  verify(): boolean {
    if (this.#aired || this.#verifying) return this.#aired
    this.#verifying = true
    setImmediate(() => setImmediate(() => this.#verified()))
    return false
  }

  get verifying(): boolean {
    return this.#verifying
  }

  ping(): Promise<number> {
    const origin = this.route.origin.serialized
    return Promise.reject(new UsageError('ERR_PING_UNSUPPORTED', 'HTTP/1.1 has no PING', { origin }))
  }

  close(): Promise<void> {
    this.#drain()
    if (this.#exchange === undefined) this.#socket.destroy()
    return this.#closed
  }

  destroy(reason: Error): void {
    this.#exchange?.connectionLost(reason)
    this.#socket.destroy()
    this.#gone()
  }

  toString(): string {
    const { origin, remoteAddress, remotePort } = this.route
    return `http/1.1 #${this.id} ${origin.serialized} at ${remoteAddress}:${remotePort}, ${this.#state}, ${this.active} active`
  }

  /** undici asks for a socket once; a second question means that the first is gone, and the pool dials, not undici. */
  #hand(): buildConnector.connector {
    let handed = false
    return (_options, callback) => {
      const origin = this.route.origin.serialized
      const refusal = handed
        ? new ConnectionError('ERR_CONNECTION_LOST', `the connection was closed (${origin})`, {
            origin,
            initiator: 'peer',
            processed: 'no',
          })
        : null
      handed = true
      // Not before undici has finished asking.
      queueMicrotask(() => {
        if (refusal !== null) return callback(refusal, null)
        this.#socket.off('readable', this.#early)
        callback(null, this.#socket as Socket)
      })
    }
  }

  /** Something was said before the first request, and undici, which refuses that, does not read yet: it would be the first answer. */
  readonly #early = (): void => {
    this.#socket.destroy()
  }

  #verified(): void {
    this.#verifying = false
    if (this.#state !== 'open') return
    this.#aired = true
    this.onChange?.()
    // For those who waited for it, and not for later ones.
    this.#aired = false
  }

  #drain(): void {
    if (this.#state !== 'open') return
    this.#state = 'draining'
    this.onChange?.()
  }

  #released(exchange: H1Exchange): void {
    if (this.#exchange !== exchange) return
    this.#exchange = undefined
    // The server asked for it, or the request ended early: there is no next one here (RFC 9112 §9.6).
    if (this.#socket.destroyed) return this.#gone()
    this.#socket.unref()
    // Not when it began: until now it was one of those that the origin may have.
    if (this.#left === 0) this.#drain()
    if (this.#state === 'draining') this.#socket.destroy()
    this.onChange?.()
  }

  #gone(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#client.destroy().catch(() => undefined)
    this.onChange?.()
  }
}
