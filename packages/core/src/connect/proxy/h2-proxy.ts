/**
 * One HTTP/2 connection to a proxy, and its tunnels (RFC 9113 §8.5). Closed after it was idle for a
 * while.
 */

import { ConnectionError, TimeoutError, TransportError, textOf } from '../../errors/errors.js'
import type { H2Connection } from '../../h2/connection.js'
import type { HttpRequest } from '../../message/request.js'
import type { ResponseBody } from '../../message/response-body.js'
import { type Abortable, link, unlink } from '../../runtime/abort.js'
import type { Clock, ClockTimer } from '../../runtime/clock.js'
import type { Exchange, ExchangeObserver } from '../../transport/exchange.js'
import type { Target } from '../../transport/target.js'
import { proxyError, refusedByProxy } from './errors.js'
import { tunnelAuthority } from './http1-connect.js'
import type { ProxyServer } from './proxy-options.js'
import { Tunnel } from './tunnel.js'

/** Options of a connection to a proxy. */
export interface H2ProxyOptions {
  readonly clock: Clock
  /** Idle time before the connection closes, in milliseconds; 0 is never. */
  readonly idleTimeoutMs: number
  /** Called when the connection takes no more tunnels. */
  onClosed(): void
}

/**
 * A CONNECT that the proxy has not processed, or that was lost with a reused connection: it may be
 * replayed once.
 */
export class LostConnect extends Error {
  readonly reason: unknown

  constructor(reason: unknown) {
    super('the CONNECT was lost')
    this.reason = reason
  }
}

const SENSITIVE: ReadonlySet<string> = new Set(['proxy-authorization'])

/** A connection to a proxy. */
export class H2Proxy {
  readonly #proxy: ProxyServer
  readonly #connection: H2Connection
  readonly #socket: { ref(): unknown; unref(): unknown }
  readonly #options: H2ProxyOptions
  /** Number of tunnels that keep the process alive, including those being opened. */
  #held = 0
  #opened = 0
  /** Resolves when SETTINGS are received, or the connection closes. */
  readonly #settings: Promise<void>
  #hasSettings = false
  #idle: ClockTimer | undefined
  #verifications: (() => void)[] = []

  constructor(
    proxy: ProxyServer,
    connection: H2Connection,
    socket: { ref(): unknown; unref(): unknown },
    options: H2ProxyOptions,
  ) {
    this.#proxy = proxy
    this.#connection = connection
    this.#socket = socket
    this.#options = options
    this.#settings = new Promise((resolve) => {
      connection.onChange = () => {
        this.#hasSettings = true
        resolve()
        this.#changed()
      }
    })
    this.#changed()
  }

  /** Whether a tunnel may be opened now. */
  get hasRoom(): boolean {
    return this.#connection.capacity > 0
  }

  /**
   * Resolves when the number of available streams is known. The first tunnel does not wait; many at
   * once would be refused beyond the unknown limit.
   */
  counted(): Promise<void> | undefined {
    return this.#opened === 0 || this.#hasSettings ? undefined : this.#settings
  }

  /**
   * Resolves when the peer is verified, for a connection that has been idle, or on which a tunnel
   * timed out; `undefined` if no verification is needed.
   */
  verification(): Promise<void> | undefined {
    const connection = this.#connection
    if (connection.state !== 'open') return undefined
    if (!connection.verifying && (connection.active > 0 || connection.verify())) return undefined
    return new Promise((resolve) => this.#verifications.push(resolve))
  }

  /** Whether the peer is being verified. */
  get verifying(): boolean {
    return this.#connection.verifying
  }

  /** Whether it carries tunnels. If not, and there is no capacity, there will be none later. */
  get busy(): boolean {
    return this.#connection.active > 0
  }

  /** Opens a tunnel. @throws LostConnect; ConnectError phase `proxy`; the reason of `signal`. */
  open(target: Target, signal: AbortSignal): Promise<Tunnel> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (!this.hasRoom) return Promise.reject(new LostConnect(proxyError(this.#proxy, target, 'accepts no more tunnels')))
    this.#idle?.cancel()
    this.#idle = undefined
    const first = this.#opened++ === 0
    const tunnel = this.#newTunnel()
    const abort: Abortable = { abort: () => undefined }
    link(signal, abort)
    return new Promise<Tunnel>((resolve, reject) => {
      const observer: ExchangeObserver = {
        onInformational: () => undefined,
        onResponse: (status: number, _fields: readonly string[], body: ResponseBody) => {
          if (status < 200 || status > 299) return reject(refusedByProxy(this.#proxy, target, status))
          tunnel.start(body)
          resolve(tunnel)
        },
        onError: (error) => reject(this.#failureOf(error, target, first)),
        onClosed: () => undefined,
      }
      tunnel.exchange = this.#request(target, tunnel, observer)
      abort.abort = reject
    })
      .catch((reason: unknown) => {
        // Not returned to the caller yet. Also resets the stream if it is open.
        tunnel.destroy()
        if (reason instanceof TimeoutError) this.#connection.suspect()
        throw reason
      })
      .finally(() => unlink(signal, abort))
  }

  #newTunnel(): Tunnel {
    const { remoteAddress, remotePort, localAddress, localPort } = this.#connection.route
    return new Tunnel({
      ...{ remoteAddress, remotePort, localAddress, localPort },
      clock: this.#options.clock,
      onHold: (held) => this.#hold(held),
    })
  }

  #request(target: Target, tunnel: Tunnel, observer: ExchangeObserver): Exchange {
    try {
      return this.#connection.request(connectRequest(this.#proxy, target, tunnel), observer)
    } catch (error) {
      throw proxyError(this.#proxy, target, `was not sent CONNECT: ${textOf(error as Error)}`, { cause: error })
    } finally {
      this.#syncHold()
    }
  }

  /** Takes no more tunnels, and closes after the last one. */
  close(): void {
    this.#idle?.cancel()
    void this.#connection.close()
  }

  #failureOf(error: Error, target: Target, first: boolean): unknown {
    const failure = proxyError(this.#proxy, target, `did not open a tunnel: ${textOf(error)}`, { cause: error })
    if (!(error instanceof TransportError) || error.initiator !== 'peer') return failure
    const stale = error instanceof ConnectionError && !first
    return error.processed === 'no' || stale ? new LostConnect(failure) : failure
  }

  #changed(): void {
    const { state, active, verifying } = this.#connection
    if (!verifying) for (const resolve of this.#verifications.splice(0)) resolve()
    if (state !== 'open') {
      this.#idle?.cancel()
      this.#idle = undefined
      return this.#options.onClosed()
    }
    const { clock, idleTimeoutMs } = this.#options
    if (active > 0 || this.#idle !== undefined || idleTimeoutMs === 0) return
    this.#idle = clock.startTimer(idleTimeoutMs, () => this.close())
    this.#idle.unref()
  }

  #hold(held: boolean): void {
    this.#held += held ? 1 : -1
    this.#syncHold()
  }

  /** The engine counts all streams; only tunnels that are in use may keep the process alive. */
  #syncHold(): void {
    if (this.#held > 0) this.#socket.ref()
    else this.#socket.unref()
  }
}

/** RFC 9113 §8.5: only `:method`, `:authority` and the fields for the proxy. */
function connectRequest(proxy: ProxyServer, target: Target, tunnel: Tunnel): HttpRequest {
  return {
    method: 'CONNECT',
    scheme: target.origin.scheme,
    authority: tunnelAuthority(target),
    path: '',
    fields: proxy.fields,
    sensitive: SENSITIVE,
    origin: target.origin,
    content: tunnel.content,
    trailers: undefined,
    close: false,
  }
}
