/** The state of a channel, by the pool of its origin. */

import type { ChannelSettings } from './channel-settings.js'

/** `connectivityState` of `@grpc/grpc-js`. */
export const Connectivity = { IDLE: 0, CONNECTING: 1, READY: 2, TRANSIENT_FAILURE: 3, SHUTDOWN: 4 } as const

/** The result of connecting; a closed client never connects again. */
type Attempt = 'connected' | 'failed' | 'client closed'

interface Watcher {
  readonly from: number
  readonly callback: (error?: Error) => void
  readonly timer: NodeJS.Timeout | undefined
}

/** Time between two looks at the pool while something watches it, in milliseconds. */
const LOOK_MS = 100

/** Pauses after failed connections: the values of doc/connection-backoff.md. */
const BACKOFF_MS = 1_000
const BACKOFF_FACTOR = 1.6
const MOST_BACKOFF_MS = 120_000

/** Tells the state of a channel, and its changes. */
export class ConnectivityWatch {
  readonly #settings: ChannelSettings
  readonly #watchers = new Set<Watcher>()
  #looking: NodeJS.Timeout | undefined
  #dial: Promise<Attempt> | undefined
  readonly #waits = new Set<ReadyWait>()
  #hasFailed = false
  #isShutDown = false

  constructor(settings: ChannelSettings) {
    this.#settings = settings
  }

  /** @param dial whether an idle channel connects. */
  state(dial: boolean): number {
    if (this.#isShutDown) return Connectivity.SHUTDOWN
    const { client, baseUrl, isolation } = this.#settings
    const pool = client.pools.find(baseUrl, isolation)
    if ((pool?.connections.length ?? 0) > 0) {
      this.#hasFailed = false
      return Connectivity.READY
    }
    if (dial) void this.connect()
    if (this.#dial !== undefined || (pool?.dialing ?? 0) > 0) return Connectivity.CONNECTING
    return this.#hasFailed ? Connectivity.TRANSIENT_FAILURE : Connectivity.IDLE
  }

  /** Connects, unless a connection is being made. Resolves with the result. */
  connect(): Promise<Attempt> {
    this.#dial ??= this.#connect().finally(() => {
      this.#dial = undefined
      this.#look()
    })
    return this.#dial
  }

  async #connect(): Promise<Attempt> {
    const { client, baseUrl, isolation } = this.#settings
    try {
      const [result] = await client.warm([isolation === undefined ? baseUrl : { origin: baseUrl, isolation }])
      this.#hasFailed = result?.error !== undefined
      return this.#hasFailed ? 'failed' : 'connected'
    } catch {
      this.#hasFailed = true
      return 'client closed'
    }
  }

  /**
   * Calls `ready` once the channel is ready, at once if it is, or if its client is closed: a request then
   * says so. After a failed connection it tries again after a pause (doc/connection-backoff.md).
   * @param closed called instead if the channel is closed before.
   * @returns a function that ends the wait.
   */
  whenReady(ready: () => void, closed: () => void): () => void {
    const wait = new ReadyWait(this, ready, closed)
    this.#waits.add(wait)
    wait.onOver = () => this.#waits.delete(wait)
    wait.attempt()
    return () => wait.end()
  }

  /** Calls back when the state is no longer `from`, or with an error at the deadline. */
  watch(from: number, deadlineMs: number, callback: (error?: Error) => void): void {
    if (this.state(false) !== from) return void setImmediate(callback)
    const leftMs = deadlineMs - Date.now()
    const expire = (): void => this.#remove(watcher, new Error('Deadline passed without connectivity state change'))
    const timer = leftMs < 0x7fff_ffff ? setTimeout(expire, Math.max(0, leftMs)) : undefined
    const watcher: Watcher = { from, callback, timer }
    this.#watchers.add(watcher)
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS)
  }

  /** The channel is closed. */
  shutDown(): void {
    this.#isShutDown = true
    for (const wait of this.#waits) wait.shutDown()
    this.#look()
  }

  #look(): void {
    const state = this.state(false)
    for (const watcher of this.#watchers) if (watcher.from !== state) this.#remove(watcher)
  }

  #remove(watcher: Watcher, error?: Error): void {
    this.#watchers.delete(watcher)
    clearTimeout(watcher.timer)
    if (this.#watchers.size === 0) {
      clearInterval(this.#looking)
      this.#looking = undefined
    }
    process.nextTick(watcher.callback, error)
  }
}

/** A call that waits until its channel is ready. */
class ReadyWait {
  readonly #connectivity: ConnectivityWatch
  readonly #ready: () => void
  readonly #closed: () => void
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  /** Called once the wait is over. */
  onOver: (() => void) | undefined

  constructor(connectivity: ConnectivityWatch, ready: () => void, closed: () => void) {
    this.#connectivity = connectivity
    this.#ready = ready
    this.#closed = closed
  }

  attempt(pauseMs: number = BACKOFF_MS): void {
    if (this.#connectivity.state(false) === Connectivity.READY) return this.#finish(this.#ready)
    void this.#connectivity.connect().then((result) => {
      if (this.#isOver) return
      if (result !== 'failed') return this.#finish(this.#ready)
      this.#timer = setTimeout(() => this.attempt(Math.min(pauseMs * BACKOFF_FACTOR, MOST_BACKOFF_MS)), pauseMs)
    })
  }

  shutDown(): void {
    this.#finish(this.#closed)
  }

  end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.onOver?.()
  }

  #finish(callback: () => void): void {
    this.end()
    callback()
  }
}
