/**
 * The connections to one `https:` proxy for one reuse key. The first one shows which protocol the
 * proxy speaks: HTTP/2 connections are shared by tunnels, HTTP/1.1 connections carry one each.
 */

import type { Socket } from 'node:net'
import { unlessAborted } from '../../runtime/abort.js'
import type { Carrier } from '../../transport/route.js'
import type { Target } from '../../transport/target.js'
import { asProxyError } from './errors.js'
import { H2Proxy, LostConnect } from './h2-proxy.js'
import { connectOverHttp1 } from './http1-connect.js'
import type { ProxyServer } from './proxy-options.js'

/** A connection to a proxy: HTTP/2 for many tunnels, or a socket for one. */
export type Reached = H2Proxy | Socket

/** Collaborators of the connections to one proxy. */
export interface H2ProxyPoolDeps {
  readonly proxy: ProxyServer
  /** Dials, and starts HTTP/2 if ALPN chose it; `onClosed` is called only for HTTP/2. */
  dial(signal: AbortSignal, onClosed: () => void): Promise<Reached>
  /** Whether the proxy is known to speak only HTTP/1.1: then dials are not shared. */
  speaksHttp1(): boolean
  /** Called when no connection and no dial is left. */
  onEmpty(): void
}

/** The connections to one proxy. */
export class H2ProxyPool {
  readonly #deps: H2ProxyPoolDeps
  readonly #open = new Set<H2Proxy>()
  #dial: SharedDial | undefined
  /** Number of tunnels being opened. */
  #wanted = 0

  constructor(deps: H2ProxyPoolDeps) {
    this.#deps = deps
  }

  /**
   * Opens a tunnel to the target's origin.
   * @throws ConnectError phase `proxy`; UsageError; the reason of `signal`.
   */
  async tunnel(target: Target, signal: AbortSignal): Promise<Carrier> {
    this.#wanted++
    try {
      return await this.#tunnel(target, signal)
    } finally {
      this.#wanted--
      this.#settle()
    }
  }

  async #tunnel(target: Target, signal: AbortSignal): Promise<Carrier> {
    const { proxy } = this.#deps
    for (let lost = 0; ; ) {
      const reached = this.#withRoom() ?? (await this.#reach(target, signal))
      // Another tunnel took the socket: the proxy speaks HTTP/1.1, so dial again for this tunnel.
      if (reached === undefined) continue
      if (!(reached instanceof H2Proxy)) {
        await connectOverHttp1(reached, proxy, target, signal)
        return reached
      }
      const verification = reached.verification()
      if (verification !== undefined) {
        await unlessAborted(verification, signal)
        continue
      }
      const counted = reached.counted()
      if (counted !== undefined) await unlessAborted(counted, signal)
      // Other tunnels that waited for this connection have filled it.
      if (!reached.hasRoom && reached.busy) continue
      try {
        return await reached.open(target, signal)
      } catch (error) {
        if (!(error instanceof LostConnect)) throw error
        if (++lost > 1) throw error.reason
      }
    }
  }

  /** Closes each connection after its last tunnel. */
  close(): void {
    for (const each of [...this.#open]) each.close()
  }

  #withRoom(): H2Proxy | undefined {
    for (const each of this.#open) if (each.hasRoom || each.verifying) return each
    return undefined
  }

  async #reach(target: Target, signal: AbortSignal): Promise<Reached | undefined> {
    const { proxy, speaksHttp1 } = this.#deps
    try {
      if (speaksHttp1()) return await this.#connect(signal)
      this.#dial ??= new SharedDial((shared) =>
        this.#connect(shared).finally(() => {
          this.#dial = undefined
        }),
      )
      return await this.#dial.join(signal)
    } catch (error) {
      throw signal.aborted ? signal.reason : asProxyError(error, proxy, target)
    }
  }

  async #connect(signal: AbortSignal): Promise<Reached> {
    let over = false
    let reached: Reached | undefined
    const closed = (): void => {
      over = true
      if (reached instanceof H2Proxy) this.#open.delete(reached)
      this.#settle()
    }
    reached = await this.#deps.dial(signal, closed)
    if (reached instanceof H2Proxy && !over) this.#open.add(reached)
    return reached
  }

  #settle(): void {
    if (this.#open.size === 0 && this.#wanted === 0) this.#deps.onEmpty()
  }
}

/** One dial that several tunnels wait for. Aborted when none waits any more. */
class SharedDial {
  readonly #stop = new AbortController()
  readonly #result: Promise<Reached>
  #waiting = 0
  /** An HTTP/1.1 socket goes to the first tunnel. */
  #taken = false

  constructor(dial: (signal: AbortSignal) => Promise<Reached>) {
    this.#result = dial(this.#stop.signal)
    this.#result.catch(() => undefined)
  }

  /** Waits for the dial; `undefined` if another tunnel took its socket. */
  async join(signal: AbortSignal): Promise<Reached | undefined> {
    this.#waiting++
    try {
      const reached = await unlessAborted(this.#result, signal)
      if (reached instanceof H2Proxy) return reached
      if (this.#taken) return undefined
      this.#taken = true
      return reached
    } finally {
      if (--this.#waiting === 0) this.#leave()
    }
  }

  #leave(): void {
    this.#stop.abort(new Error('no tunnel waits for the proxy any more'))
    const drop = (reached: Reached): void => {
      if (!this.#taken && !(reached instanceof H2Proxy)) reached.destroy()
    }
    this.#result.then(drop, () => undefined)
  }
}
