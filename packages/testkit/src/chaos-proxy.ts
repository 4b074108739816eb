// A TCP proxy that disturbs traffic: delays, splits, merges, corrupts, truncates, drops, resets.
// TLS passes through unchanged. Faults can be switched on and off while it runs, and it reports
// what has passed, so that tests wait for events instead of time.
import net, { type AddressInfo } from 'node:net'
import { Link } from './chaos/link.js'
import type { Toxics, Way } from './chaos/toxics.js'

export { Lane } from './chaos/lane.js'
export { Link } from './chaos/link.js'
export type { Counts, Toxics, Way } from './chaos/toxics.js'

export interface ChaosProxyOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly address?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Address of the server. Default 127.0.0.1. */
  readonly targetAddress?: string
  /** Returns a number from 0 to 1, for jitter. Default Math.random. */
  readonly random?: () => number
}

export class ChaosProxy {
  /** Port of the server. May be changed: open connections stay. */
  targetPort: number
  readonly #options: ChaosProxyOptions
  readonly #server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket))
  readonly #links = new Set<Link>()
  readonly #waiting = new Set<() => void>()
  readonly #toxics: Record<Way, Toxics> = { toServer: {}, toClient: {} }
  readonly #held: Record<Way, number | undefined> = { toServer: undefined, toClient: undefined }
  #connections = 0
  #port = 0

  constructor(targetPort: number, options: ChaosProxyOptions) {
    this.targetPort = targetPort
    this.#options = options
  }

  get port(): number {
    return this.#port
  }

  /** Number of connections accepted so far. */
  get connections(): number {
    return this.#connections
  }

  /** Open links, the oldest first. */
  get links(): readonly Link[] {
    return [...this.#links]
  }

  /** Resolves with the newest link when this many connections have been accepted in total. */
  accepted(count: number): Promise<Link> {
    return new Promise((resolve) => {
      const look = (): void => {
        const link = this.links.at(-1)
        if (this.#connections < count || link === undefined) return
        this.#waiting.delete(look)
        resolve(link)
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** Applies to open and future links. */
  set(way: Way | 'both', toxics: Toxics): void {
    this.setNew(way, toxics)
    for (const link of this.#links) link.set(way, toxics)
  }

  /** Applies to future links. */
  setNew(way: Way | 'both', toxics: Toxics): void {
    for (const each of waysOf(way)) this.#toxics[each] = { ...this.#toxics[each], ...toxics }
  }

  /**
   * Lets this many further bytes pass and holds the rest, on open and future links, until {@link
   * letGo}.
   */
  hold(way: Way, after = 0): void {
    this.#held[way] = after
    for (const link of this.#links) link[way].hold(after)
  }

  letGo(): void {
    for (const way of waysOf('both')) {
      this.#held[way] = undefined
      for (const link of this.#links) link[way].letGo()
    }
  }

  /** Sends RST on every link. */
  reset(): void {
    for (const link of this.#links) link.reset()
  }

  /** Sends FIN from the server's side on every link. */
  halfClose(): void {
    for (const link of this.#links) link.halfClose()
  }

  /** Refuses connections from now on; open ones stay. */
  refuse(): Promise<void> {
    // Do not wait for the last connection to close: the port is free at once.
    this.#server.close()
    return Promise.resolve()
  }

  /** Accepts connections again, on the same port. */
  listen(): Promise<void> {
    const { address = '127.0.0.1', port = 0 } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#port === 0 ? port : this.#port, address, () => {
        this.#server.off('error', reject)
        this.#port = (this.#server.address() as AddressInfo).port
        resolve()
      })
    })
  }

  async close(): Promise<void> {
    this.#server.close()
    const links = this.links
    for (const link of links) link.destroy()
    await Promise.all(links.map(({ closed }) => closed))
  }

  #accept(client: net.Socket): void {
    const { targetAddress = '127.0.0.1', random = Math.random } = this.#options
    const server = net.connect({ port: this.targetPort, host: targetAddress, allowHalfOpen: true, noDelay: true })
    const link = new Link(client, server, random)
    this.#links.add(link)
    void link.closed.then(() => this.#links.delete(link))
    for (const way of waysOf('both')) {
      const after = this.#held[way]
      if (after !== undefined) link[way].hold(after)
      link.set(way, this.#toxics[way])
    }
    this.#connections++
    for (const look of [...this.#waiting]) look()
  }
}

/** Starts a proxy in front of the server on `targetPort`. */
export async function startChaosProxy(targetPort: number, options: ChaosProxyOptions = {}): Promise<ChaosProxy> {
  const proxy = new ChaosProxy(targetPort, options)
  await proxy.listen()
  return proxy
}

function waysOf(way: Way | 'both'): readonly Way[] {
  return way === 'both' ? ['toServer', 'toClient'] : [way]
}
