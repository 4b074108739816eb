/** Keeps the number of connections within the option `maxConnections` of the client and of its pools. Must not know connections. */

import { type Abortable, link, unlink } from '../runtime/abort.js'
import type { ConnectionLimit, PoolTarget } from '../transport/target.js'

/** An attempt to get a connection, which may have to wait. */
export interface Attempt {
  readonly signal: AbortSignal
  /** Whether it waits for a permit. */
  waits: boolean
  /** Whether a request still waits for the connection. */
  readonly wanted: boolean
  /** Whether it has exceeded the connect timeout, and goes on only for requests with a longer one. */
  readonly overdue: boolean
  /** Called when it becomes overdue. */
  onOverdue: (() => void) | undefined
  abort(reason: unknown): void
}

/** The idle connections, as far as permits need them. */
export interface IdleConnections {
  /** Closes the longest idle connection under a limit, if there is one. Resolves when it is closed. */
  closeIdleUnder(limit: ConnectionLimit): Promise<void> | undefined
}

/** The permits of one client. */
export class Permits {
  readonly #idle: IdleConnections
  readonly #held = new Set<Permit>()
  /** Permits that are waited for, by the narrowest limit, first come first. */
  readonly #lines = new Map<ConnectionLimit | undefined, Set<Permit>>()
  /** Connections and dials that are ending for a permit that is waited for. */
  readonly #ending = new Map<ConnectionLimit, number>()
  /** Those of {@link #lines} by each of their keys. */
  readonly #byKey = new Map<string, Set<Permit>>()
  #sequence = 0
  /** Whether a limit was lowered below the number of connections. */
  #exceeded = false

  constructor(idle: IdleConnections) {
    this.#idle = idle
  }

  /** Takes a permit, unless a limit is reached. */
  take(permit: Permit): boolean {
    permit.limits = permit.target.currentLimits()
    if (permit.limits.some(isFull)) return false
    for (const limit of permit.limits) limit.count++
    this.#held.add(permit)
    return true
  }

  /** Takes a permit back: its connection is closed, or was not needed. */
  give(permit: Permit): void {
    if (!this.#held.delete(permit)) return
    for (const limit of permit.limits) limit.count--
    this.review()
  }

  /** Puts a permit into line. */
  join(permit: Permit): void {
    permit.sequence ??= ++this.#sequence
    this.#enqueue(permit)
    this.makeRoom()
  }

  /** Takes a permit out of line. */
  leave(permit: Permit): void {
    if (this.#remove(permit)) this.makeRoom()
  }

  /** Grants permits, earlier ones first, as far as the limits allow. */
  review(): void {
    for (let next = this.#nextGrant(); next !== undefined; next = this.#nextGrant()) {
      this.#remove(next)
      this.take(next)
      next.granted()
    }
    this.makeRoom()
  }

  /** Counts again, after limits were set, changed or removed. */
  recount(): void {
    for (const permit of this.#held) {
      for (const limit of permit.limits) limit.count--
      permit.limits = permit.target.currentLimits()
      for (const limit of permit.limits) limit.count++
    }
    const waiting = [...this.#lines.values()].flatMap((line) => [...line]).sort((a, b) => a.sequence! - b.sequence!)
    this.#lines.clear()
    this.#byKey.clear()
    for (const permit of waiting) this.#enqueue(permit)
    this.#exceeded = true
    this.#closeSurplus()
    this.review()
  }

  /** Whether any permit is waited for, or a limit is exceeded. */
  get active(): boolean {
    return this.#lines.size > 0 || this.#exceeded
  }

  /**
   * Offers a connection that other origins can find now, or that became idle.
   * @param keys under which it can be found.
   */
  offer(keys: Iterable<string>): void {
    let woken = 0
    for (const key of keys) {
      for (const permit of this.#byKey.get(key) ?? []) if (permit.look()) woken++
    }
    if (this.#exceeded) this.#closeSurplus()
    // A permit that looks again uses the connection, or waits again.
    if (woken === 0) this.makeRoom()
  }

  /** Ends idle connections, or dials that take too long, for permits that are waited for. */
  makeRoom(): void {
    for (const line of this.#lines.values()) {
      const full = this.#firstOf(line)?.limits.findLast(isFull)
      if (full === undefined) continue
      for (let missing = line.size - this.#endingUnder(full); missing > 0; missing--) {
        if (!this.#closeIdle(full) && !this.#endOverdue(full)) break
      }
    }
  }

  #enqueue(permit: Permit): void {
    permit.limits = permit.target.currentLimits()
    const narrowest = permit.limits.at(-1)
    const line = this.#lines.get(narrowest)
    if (line === undefined) this.#lines.set(narrowest, new Set([permit]))
    else line.add(permit)
    for (const key of permit.keys) {
      const others = this.#byKey.get(key)
      if (others === undefined) this.#byKey.set(key, new Set([permit]))
      else others.add(permit)
    }
  }

  #remove(permit: Permit): boolean {
    const narrowest = permit.limits.at(-1)
    const line = this.#lines.get(narrowest)
    if (line?.delete(permit) !== true) return false
    if (line.size === 0) this.#lines.delete(narrowest)
    for (const key of permit.keys) {
      const others = this.#byKey.get(key)
      if (others?.delete(permit) === true && others.size === 0) this.#byKey.delete(key)
    }
    return true
  }

  /** The first permit of a line. Ends attempts that no request waits for any more. */
  #firstOf(line: ReadonlySet<Permit>): Permit | undefined {
    for (const permit of line) {
      if (permit.attempt.wanted) return permit
      this.#remove(permit)
      permit.attempt.abort(new Error('no request waits for the connection'))
    }
    return undefined
  }

  /** The permit that has waited longest of those that the limits allow. */
  #nextGrant(): Permit | undefined {
    let next: Permit | undefined
    for (const line of [...this.#lines.values()]) {
      const first = this.#firstOf(line)
      if (first === undefined || first.limits.some(isFull)) continue
      if (next === undefined || first.sequence! < next.sequence!) next = first
    }
    return next
  }

  #closeIdle(limit: ConnectionLimit): boolean {
    const closed = this.#idle.closeIdleUnder(limit)
    if (closed === undefined) return false
    this.#noteEnding(limit, closed)
    return true
  }

  /** Ends a dial that goes on only for requests with a longer connect timeout. They wait for their turn again. */
  #endOverdue(limit: ConnectionLimit): boolean {
    for (const permit of this.#held) {
      if (permit.dialing && permit.attempt.overdue && !permit.attempt.signal.aborted && permit.limits.includes(limit)) {
        this.#noteEnding(limit, permit.given)
        permit.attempt.abort(new Error('other origins wait for a connection'))
        return true
      }
    }
    return false
  }

  #noteEnding(limit: ConnectionLimit, ended: Promise<void>): void {
    this.#ending.set(limit, this.#endingUnder(limit) + 1)
    void ended.then(() => {
      const left = this.#endingUnder(limit) - 1
      if (left === 0) this.#ending.delete(limit)
      else this.#ending.set(limit, left)
      this.makeRoom()
    })
  }

  #endingUnder(limit: ConnectionLimit): number {
    return this.#ending.get(limit) ?? 0
  }

  /** Closes idle connections beyond a limit that was lowered. Others are looked at when they become idle. */
  #closeSurplus(): void {
    this.#exceeded = false
    for (const limit of new Set([...this.#held].flatMap(({ limits }) => limits))) {
      while (limit.count - this.#endingUnder(limit) > limit.most && this.#closeIdle(limit));
      if (limit.count > limit.most) this.#exceeded = true
    }
  }
}

/** The permit of one dial, or of its connection. */
export class Permit {
  readonly target: PoolTarget
  readonly attempt: Attempt
  readonly #permits: Permits
  /** The limits that it counts against. Written by {@link Permits}. */
  limits: readonly ConnectionLimit[] = []
  /** Its place in line. Written by {@link Permits}. */
  sequence: number | undefined
  /** Keys under which a connection that may serve the target can be found. */
  keys: readonly string[] = []
  #held = false
  #kept = false
  #inLine = false
  #wake: (() => void) | undefined
  #resolveGiven: () => void = () => undefined
  /** Resolves when it has been given back. */
  readonly given: Promise<void>

  constructor(permits: Permits, target: PoolTarget, attempt: Attempt) {
    this.#permits = permits
    this.target = target
    this.attempt = attempt
    this.given = new Promise((resolve) => (this.#resolveGiven = resolve))
    attempt.onOverdue = () => permits.makeRoom()
  }

  /** Whether it was ever waited for. */
  get waited(): boolean {
    return this.sequence !== undefined
  }

  /** Whether a dial has it, and no connection yet. */
  get dialing(): boolean {
    return this.#held && !this.#kept
  }

  /** Takes it at once, if the limits allow. Synchronous: between a decision to dial and the dial nothing else may decide. */
  tryTake(): boolean {
    if (this.#held || this.#inLine) return this.#held
    this.#held = this.#permits.take(this)
    return this.#held
  }

  /**
   * Waits in line until it is granted, or until a connection is offered that may serve the target. Facts from before may then be
   * out of date.
   * @param keys under which such a connection can be found.
   * @throws the reason of the attempt's signal.
   */
  async wait(keys: readonly string[] = []): Promise<void> {
    const { attempt } = this
    const { signal } = attempt
    if (!attempt.wanted) attempt.abort(new Error('no request waits for the connection'))
    if (signal.aborted) throw signal.reason
    if (this.#held) return
    attempt.waits = true
    try {
      await new Promise<void>((resolve, reject) => {
        const end: Abortable = { abort: reject }
        link(signal, end)
        this.#wake = () => {
          unlink(signal, end)
          resolve()
        }
        // Its keys stay those of the first wait: addresses that changed since are found by the next dial.
        if (this.#inLine) return this.#permits.makeRoom()
        this.keys = keys
        this.#inLine = true
        this.#permits.join(this)
      })
    } finally {
      this.#wake = undefined
      attempt.waits = false
    }
  }

  /** Ends the wait, so that the attempt looks for a connection again. Returns whether it waited. */
  look(): boolean {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
    return wake !== undefined
  }

  /** Called when it is granted. */
  granted(): void {
    this.#inLine = false
    this.#held = true
    this.look()
  }

  /** Leaves it to a connection. It must be released when the connection is closed. */
  keep(): void {
    this.#kept = true
    this.attempt.onOverdue = undefined
  }

  /** Ends the attempt: leaves the line, and gives the permit back unless a connection has it. */
  drop(): void {
    if (this.#inLine) {
      this.#inLine = false
      this.#permits.leave(this)
    }
    if (!this.#kept) this.release()
  }

  /** Gives it back, once. */
  release(): void {
    if (!this.#held) return
    this.#held = false
    this.#permits.give(this)
    this.#resolveGiven()
  }
}

function isFull({ count, most }: ConnectionLimit): boolean {
  return count >= most
}
