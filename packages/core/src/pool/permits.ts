/** Keeps the number of connections within the option `maxConnections` of the client and of its pools. Must not know connections. */

import { type Abortable, link, unlink } from '../runtime/abort.js'
import type { ConnectionLimit } from '../transport/target.js'

/** A dial that waits for a permit. */
interface Waiter {
  readonly limits: readonly ConnectionLimit[]
  readonly grant: () => void
}

/** An attempt that may have to wait. */
export interface Waiting {
  readonly signal: AbortSignal
  /** Whether it waits for a permit. */
  waits: boolean
}

/** Permits to have a connection: each counts against every limit of its target. */
export class Permits {
  /** First come, first served, as far as the limits of each allow. */
  readonly #waiters = new Set<Waiter>()
  readonly #closeIdle: (limit: ConnectionLimit) => Promise<void> | undefined
  /** Connections that are being closed for a waiting dial. */
  #closing = 0

  /** @param closeIdle closes the longest idle connection under a limit, if there is one. Resolves when it is closed. */
  constructor(closeIdle: (limit: ConnectionLimit) => Promise<void> | undefined) {
    this.#closeIdle = closeIdle
  }

  /** Takes a permit at once, unless a limit is reached or an earlier dial waits for it. */
  tryTake(limits: readonly ConnectionLimit[]): boolean {
    return !this.#isHeldUp(limits) && takeAll(limits)
  }

  /** Waits for a permit. @throws the reason of the attempt's signal. */
  async wait(limits: readonly ConnectionLimit[], attempt: Waiting): Promise<void> {
    const { signal } = attempt
    if (signal.aborted) throw signal.reason
    attempt.waits = true
    try {
      await new Promise<void>((resolve, reject) => {
        const waiter: Waiter = {
          limits,
          grant: () => {
            unlink(signal, end)
            resolve()
          },
        }
        const end: Abortable = {
          abort: (reason) => {
            this.#waiters.delete(waiter)
            reject(reason)
          },
        }
        link(signal, end)
        this.#waiters.add(waiter)
        this.makeRoom()
      })
    } finally {
      attempt.waits = false
    }
  }

  /** Gives a permit back: its connection is closed, or was not needed. */
  give(limits: readonly ConnectionLimit[]): void {
    for (const limit of limits) limit.count--
    this.review()
  }

  /** Grants permits to the dials that wait, after a limit was raised or a permit was given back. */
  review(): void {
    for (const waiter of this.#waiters) {
      if (!takeAll(waiter.limits)) continue
      this.#waiters.delete(waiter)
      waiter.grant()
    }
    this.makeRoom()
  }

  /** Closes an idle connection for a dial that waits. Called when a connection has become idle. */
  makeRoom(): void {
    if (this.#waiters.size <= this.#closing) return
    for (const { limits } of this.#waiters) {
      const full = limits.find(isFull)
      const closed = full === undefined ? undefined : this.#closeIdle(full)
      if (closed === undefined) continue
      this.#closing++
      void closed.then(() => {
        this.#closing--
        this.makeRoom()
      })
      return
    }
  }

  /** Whether a dial that came earlier waits for one of the same limits. */
  #isHeldUp(limits: readonly ConnectionLimit[]): boolean {
    for (const waiter of this.#waiters) if (waiter.limits.some((limit) => isFull(limit) && limits.includes(limit))) return true
    return false
  }
}

/** The permit of one dial. Given back by {@link drop}, unless a connection keeps it. */
export class Permit {
  readonly #permits: Permits
  readonly #limits: readonly ConnectionLimit[]
  #held = false

  constructor(permits: Permits, limits: readonly ConnectionLimit[]) {
    this.#permits = permits
    this.#limits = limits
  }

  /** Takes the permit at once, if it is free. Synchronous: between a decision to dial and the dial nothing else may decide. */
  tryTake(): boolean {
    if (this.#held || this.#limits.length === 0) return true
    this.#held = this.#permits.tryTake(this.#limits)
    return this.#held
  }

  /** Waits for the permit. Afterwards, what the caller knew before may be out of date. @throws the reason of the attempt's signal. */
  async wait(attempt: Waiting): Promise<void> {
    await this.#permits.wait(this.#limits, attempt)
    this.#held = true
  }

  /** Leaves the permit to a connection. Returns a function that gives it back, once. */
  keep(): () => void {
    if (!this.#held) return () => undefined
    this.#held = false
    let isKept = true
    return () => {
      if (isKept) this.#permits.give(this.#limits)
      isKept = false
    }
  }

  /** Gives the permit back, if it is held. */
  drop(): void {
    this.keep()()
  }
}

function isFull({ count, most }: ConnectionLimit): boolean {
  return count >= most
}

function takeAll(limits: readonly ConnectionLimit[]): boolean {
  if (limits.some(isFull)) return false
  for (const limit of limits) limit.count++
  return true
}
