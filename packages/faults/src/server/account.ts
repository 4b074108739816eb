/** Records the requests that reach a server, by ID, and their progress. */

/**
 * `delivered`: the headers have arrived. `content`: a part of the content. `complete`: all of it.
 */
export type Point = 'delivered' | 'content' | 'complete'

/** Counts deliveries by ID and notifies waiters. IDs are `run.number`. */
export class Account {
  readonly #deliveries = new Map<string, number>()
  readonly #points = new Set<string>()
  readonly #waiting = new Map<string, Set<() => void>>()

  at(id: string, point: Point): void {
    if (point === 'delivered') this.#deliveries.set(id, this.deliveries(id) + 1)
    const key = `${id} ${point}`
    this.#points.add(key)
    for (const wake of this.#waiting.get(key) ?? []) wake()
    this.#waiting.delete(key)
  }

  /** Removes a delivery: the server has declared the request as not processed. */
  disown(id: string): void {
    this.#deliveries.set(id, this.deliveries(id) - 1)
  }

  deliveries(id: string): number {
    return this.#deliveries.get(id) ?? 0
  }

  reached(id: string, point: Point): Promise<void> {
    const key = `${id} ${point}`
    if (this.#points.has(key)) return Promise.resolve()
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(key) ?? new Set()
      this.#waiting.set(key, waiting.add(resolve))
    })
  }
}

/** Holds responses until their run is released. */
export class Gates {
  readonly #open = new Set<string>()
  readonly #held = new Map<string, Set<() => void>>()

  /** Calls `go` now or later. */
  pass(run: string, go: () => void): void {
    if (this.#open.has(run)) return go()
    this.#held.set(run, (this.#held.get(run) ?? new Set()).add(go))
  }

  isOpen(run: string): boolean {
    return this.#open.has(run)
  }

  open(run: string): void {
    this.#open.add(run)
    for (const go of this.#held.get(run) ?? []) go()
    this.#held.delete(run)
  }
}

/** Returns the run of a request ID. */
export function runOf(id: string): string {
  return id.slice(0, id.indexOf('.'))
}

/** Functions that a cell needs of any server. */
export interface Backend {
  readonly port: number
  /** Port of the same server with a limit of one stream. */
  readonly narrowPort: number
  /** Prefix of every path. */
  readonly prefix: string
  /** Forwards content only when it is complete. */
  readonly buffers: boolean
  reached(id: string, point: Point): Promise<void>
  /** Releases all responses of a run, both held and future ones. */
  release(run: string): void
  /** Number of deliveries of the request, except those declared as not processed. */
  deliveries(id: string): Promise<number>
  /** Resolves when no client socket is open. */
  quiet(): Promise<void>
}
