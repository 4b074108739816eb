/** One HTTP/2 connection to a proxy, and the tunnels on it (RFC 9113 §8.5). Closed when it has carried none for a while. */

import { ConnectionError, TimeoutError, TransportError } from '../../errors/errors.js'
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

/** What a connection to a proxy is told. */
export interface H2ProxyOptions {
  readonly clock: Clock
  /** 0 never. */
  readonly idleTimeoutMs: number
  /** It takes no more tunnels. */
  onClosed(): void
}

/** A CONNECT that the proxy has certainly not acted on, or that was lost with a connection that had been idle: one more may be tried. */
export class LostConnect extends Error {
  readonly reason: unknown

  constructor(reason: unknown) {
    super('the CONNECT was lost')
    this.reason = reason
  }
}

const SENSITIVE: ReadonlySet<string> = new Set(['proxy-authorization'])

/** A proxy's connection. */
export class H2Proxy {
  readonly #proxy: ProxyServer
  readonly #connection: H2Connection
  readonly #socket: { ref(): unknown; unref(): unknown }
  readonly #options: H2ProxyOptions
  /** Tunnels that keep the process alive, and those being opened. */
  #held = 0
  #opened = 0
  /** The proxy has told how many it takes, or the connection is over. */
  readonly #told: Promise<void>
  #isTold = false
  #idle: ClockTimer | undefined
  #doubted: (() => void)[] = []

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
    this.#told = new Promise((resolve) => {
      connection.onChange = () => {
        this.#isTold = true
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
   * When it is known how many tunnels there is room for. The first one does not wait for that; of many at once, all beyond a number that
   * is not known yet would be refused.
   */
  counted(): Promise<void> | undefined {
    return this.#opened === 0 || this.#isTold ? undefined : this.#told
  }

  /**
   * Until it is known whether anybody is there: a connection that has carried nothing for a while is asked, and so is one on which a
   * tunnel was waited for in vain. `undefined` where there is no doubt.
   */
  doubt(): Promise<void> | undefined {
    const connection = this.#connection
    if (connection.state !== 'open') return undefined
    if (!connection.verifying && (connection.active > 0 || connection.verify())) return undefined
    return new Promise((resolve) => this.#doubted.push(resolve))
  }

  /** Whether that is being asked. */
  get doubtful(): boolean {
    return this.#connection.verifying
  }

  /** Whether it carries tunnels: one without, and without room, will not have room later. */
  get busy(): boolean {
    return this.#connection.active > 0
  }

  /** Opens a tunnel. @throws LostConnect; ConnectError phase `proxy`; the reason of `signal`. */
  open(target: Target, signal: AbortSignal): Promise<Tunnel> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (!this.hasRoom) return Promise.reject(new LostConnect(proxyError(this.#proxy, target, 'takes no tunnels')))
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
        // Nobody has it yet. The stream, where it is still there, is reset with it.
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
      throw proxyError(this.#proxy, target, `cannot be asked: ${(error as Error).message}`, { cause: error })
    } finally {
      this.#syncHold()
    }
  }

  /** Takes no more tunnels, and goes when the last one has. */
  close(): void {
    this.#idle?.cancel()
    void this.#connection.close()
  }

  #failureOf(error: Error, target: Target, first: boolean): unknown {
    const failure = proxyError(this.#proxy, target, `opened no tunnel: ${error.message}`, { cause: error })
    if (!(error instanceof TransportError) || error.initiator !== 'peer') return failure
    const stale = error instanceof ConnectionError && !first
    return error.processed === 'no' || stale ? new LostConnect(failure) : failure
  }

  #changed(): void {
    const { state, active, verifying } = this.#connection
    if (!verifying) for (const resolve of this.#doubted.splice(0)) resolve()
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

  /** The engine knows streams; which of them are worth waiting for, their tunnels know. */
  #syncHold(): void {
    if (this.#held > 0) this.#socket.ref()
    else this.#socket.unref()
  }
}

/** RFC 9113 §8.5: `:method` and `:authority` alone, and the proxy's own fields. */
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
