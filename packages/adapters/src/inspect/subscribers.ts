/**
 * Browsers that follow the entries by server-sent events. Each has at most one update in its buffer: a slow
 * one misses updates, and gets all entries again when it has read the last one.
 */

import type { ServerResponse } from 'node:http'
import type { LiveEntries } from './live-entries.js'

/** Time between two updates, in milliseconds. */
const PAUSE_MS = 200
/** Maximum number of browsers. */
export const MAX_SUBSCRIBERS = 10
/** Time after which a browser asks again once it has lost the connection, in milliseconds. */
const RETRY_MS = 2_000

/** A browser. */
interface Subscriber {
  readonly response: ServerResponse
  /** Whether it has not read the last update. */
  isSlow: boolean
  /** Whether there was an update since then. */
  hasMissed: boolean
}

/** All browsers. */
export class Subscribers {
  readonly #entries: LiveEntries
  readonly #pauseMs: number
  readonly #all = new Set<Subscriber>()
  #timer: NodeJS.Timeout | undefined

  /** @param pauseMs time between two updates, in milliseconds. */
  constructor(entries: LiveEntries, pauseMs: number = PAUSE_MS) {
    this.#entries = entries
    this.#pauseMs = pauseMs
  }

  get count(): number {
    return this.#all.size
  }

  /** Adds a browser whose response has been started, and sends it all entries. */
  add(response: ServerResponse): void {
    const subscriber: Subscriber = { response, isSlow: false, hasMissed: false }
    // The others get the changes until now; this one has them in its first update.
    this.#send()
    this.#all.add(subscriber)
    this.#entries.isFollowed = true
    response.write(`retry: ${RETRY_MS}\n\n`)
    this.#sendAll(subscriber)
    response.on('drain', () => {
      subscriber.isSlow = false
      // All entries are larger than the buffer: to send them after each drain would never end.
      if (subscriber.hasMissed) this.#sendAll(subscriber)
    })
    response.on('close', () => this.#remove(subscriber))
    response.on('error', () => this.#remove(subscriber))
  }

  /** Sends the changes soon. */
  schedule(): void {
    if (this.#all.size === 0 || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#send()
    }, this.#pauseMs)
    this.#timer.unref()
  }

  /** Ends the events of all browsers. */
  end(): void {
    clearTimeout(this.#timer)
    for (const { response } of this.#all) response.end('event: end\ndata: {}\n\n')
  }

  #send(): void {
    if (this.#all.size === 0) return
    const { entries, dropped } = this.#entries.takeChanges()
    if (entries.length === 0 && dropped.length === 0) return
    const update = this.#updateOf(entries, dropped, false)
    for (const subscriber of this.#all) {
      if (subscriber.isSlow) subscriber.hasMissed = true
      else this.#write(subscriber, update)
    }
  }

  #sendAll(subscriber: Subscriber): void {
    subscriber.hasMissed = false
    this.#write(subscriber, this.#updateOf(this.#entries.snapshot(), [], true))
  }

  #updateOf(entries: readonly string[], dropped: readonly number[], isSnapshot: boolean): string {
    const rest = JSON.stringify({ isSnapshot, dropped, droppedTotal: this.#entries.droppedTotal }).slice(0, -1)
    return `event: entries\ndata: ${rest},"entries":[${entries.join(',')}]}\n\n`
  }

  #write(subscriber: Subscriber, update: string): void {
    subscriber.isSlow = !subscriber.response.write(update)
  }

  #remove(subscriber: Subscriber): void {
    this.#all.delete(subscriber)
    if (this.#all.size > 0) return
    this.#entries.isFollowed = false
    this.#entries.forgetChanges()
  }
}
