/**
 * The last requests of one client or of all, as entries of the page: those in flight, and completed ones up
 * to a maximum. Knows nothing about subscribers.
 */

import type { PageEntry } from '@unshard/page'
import type { Attempt } from '../har/attempt.js'
import { type EntrySettings, entryWithoutContent } from '../har/entry.js'
import { RequestWatch } from '../har/request-watch.js'
import { pageEntryOf } from './page-entry.js'

/** Changes since the last call of `takeChanges()`, as JSON. */
export interface Changes {
  readonly entries: readonly string[]
  readonly dropped: readonly number[]
}

/** A bounded list of entries. Stored as JSON, which takes less memory than objects and is sent as it is. */
export class LiveEntries {
  readonly #watch: RequestWatch
  readonly #settings: EntrySettings
  readonly #maxEntries: number
  readonly #onChanged: () => void
  /** Ids by attempt, in the order of their start. */
  readonly #pending = new Map<Attempt, number>()
  /** Attempts in flight that are no longer shown. */
  readonly #forgotten = new WeakSet<Attempt>()
  /** Completed entries by id, in the order of their end. */
  readonly #completed = new Map<number, string>()
  readonly #changed = new Map<number, Attempt | undefined>()
  readonly #dropped = new Set<number>()
  #lastId = 0
  /** Number of entries dropped until now. */
  droppedTotal = 0
  /** Whether changes are collected: without subscribers they are not. */
  isFollowed = false

  /**
   * @param clientId `undefined` for all clients of the process.
   * @param onChanged called after each change. Must not throw.
   */
  constructor(clientId: number | undefined, settings: EntrySettings, maxEntries: number, onChanged: () => void) {
    this.#settings = settings
    this.#maxEntries = maxEntries
    this.#onChanged = onChanged
    this.#watch = new RequestWatch(
      clientId,
      undefined,
      (attempt) => this.#complete(attempt),
      (attempt) => this.#progress(attempt),
    )
  }

  /** All entries, as JSON. */
  snapshot(): string[] {
    return [...this.#completed.values(), ...[...this.#pending].map(([attempt, id]) => this.#textOf(attempt, id, true))]
  }

  /** Returns the changes since the last call, and forgets them. */
  takeChanges(): Changes {
    const entries: string[] = []
    for (const [id, attempt] of this.#changed) {
      const text = attempt === undefined ? this.#completed.get(id) : this.#textOf(attempt, id, true)
      if (text !== undefined) entries.push(text)
    }
    const dropped = [...this.#dropped]
    this.forgetChanges()
    return { entries, dropped }
  }

  forgetChanges(): void {
    this.#changed.clear()
    this.#dropped.clear()
  }

  /** Ends the subscriptions. */
  stop(): void {
    this.#watch.stop()
    this.#pending.clear()
    this.#completed.clear()
    this.forgetChanges()
  }

  #progress(attempt: Attempt): void {
    let id = this.#pending.get(attempt)
    if (id === undefined) {
      if (this.#forgotten.has(attempt)) return
      id = ++this.#lastId
      this.#pending.set(attempt, id)
      if (this.#pending.size > this.#maxEntries) this.#dropPending()
    }
    this.#note(id, attempt)
  }

  #complete(attempt: Attempt): void {
    const id = this.#pending.get(attempt)
    if (id === undefined) return
    this.#pending.delete(attempt)
    this.#completed.set(id, this.#textOf(attempt, id, false))
    if (this.#completed.size > this.#maxEntries) {
      const [oldest] = this.#completed.keys()
      this.#completed.delete(oldest!)
      this.#drop(oldest!)
    }
    this.#note(id, undefined)
  }

  /** A program with this many requests in flight loses sight of the oldest. */
  #dropPending(): void {
    const [attempt, id] = this.#pending.entries().next().value!
    this.#pending.delete(attempt)
    this.#forgotten.add(attempt)
    this.#drop(id)
  }

  #drop(id: number): void {
    this.droppedTotal++
    this.#changed.delete(id)
    if (this.isFollowed) this.#dropped.add(id)
  }

  #note(id: number, attempt: Attempt | undefined): void {
    if (this.isFollowed) this.#changed.set(id, attempt)
    this.#onChanged()
  }

  #textOf(attempt: Attempt, id: number, isPending: boolean): string {
    const entry = entryWithoutContent(attempt, this.#settings)
    const reading = { id, isPending, otherwiseStartedMs: attempt.startedAt, hasConnections: true }
    return JSON.stringify({ ...pageEntryOf(entry, reading), startMs: attempt.startedAt } satisfies PageEntry)
  }
}
