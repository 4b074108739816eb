/** The state of a channel, by the pool of its origin. */

import type { WarmResult } from '@unshard/core'
import type { ChannelSettings } from './channel-settings.js'

/** `connectivityState` of `@grpc/grpc-js`. */
export const Connectivity = { IDLE: 0, CONNECTING: 1, READY: 2, TRANSIENT_FAILURE: 3, SHUTDOWN: 4 } as const

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
  #dial: Promise<WarmResult[]> | undefined
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
    if (dial) this.connect()
    if (this.#dial !== undefined || (pool?.dialing ?? 0) > 0) return Connectivity.CONNECTING
    return this.#hasFailed ? Connectivity.TRANSIENT_FAILURE : Connectivity.IDLE
  }

  /** Connects, unless a connection is being made. */
  connect(): void {
    if (this.#dial !== undefined || this.#isShutDown) return
    const { client, baseUrl, isolation } = this.#settings
    this.#dial = client.warm([isolation === undefined ? baseUrl : { origin: baseUrl, isolation }])
    this.#dial
      .then(
        ([result]) => {
          this.#hasFailed = result?.error !== undefined
        },
        () => {
          this.#hasFailed = true
        },
      )
      .finally(() => {
        this.#dial = undefined
        this.#look()
      })
  }

  /**
   * Calls back once the channel is ready, at once if it is. After a failed connection it tries again
   * after a pause (doc/connection-backoff.md). @returns a function that ends the wait.
   */
  whenReady(callback: () => void): () => void {
    if (this.state(false) === Connectivity.READY) {
      callback()
      return () => undefined
    }
    let timer: NodeJS.Timeout | undefined
    let isOver = false
    const attempt = (pauseMs: number): void => {
      this.connect()
      void this.#dial!.then(
        ([result]) => result?.error === undefined,
        () => false,
      ).then((isReady) => {
        if (isOver) return
        if (isReady) return callback()
        timer = setTimeout(() => attempt(Math.min(pauseMs * BACKOFF_FACTOR, MOST_BACKOFF_MS)), pauseMs)
      })
    }
    attempt(BACKOFF_MS)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
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
