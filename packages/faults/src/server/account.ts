/** What a server tells about the requests that reach it: each has an id, and how far it has come. */

/** `delivered`: its fields are there. `content`: a part of its content is. `complete`: all of it. */
export type Point = 'delivered' | 'content' | 'complete'

/** Counts deliveries by id, and wakes who waits for one. Ids are `run.number`. */
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

  /** It counts as not processed after all: the server has said so. */
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

/** Answers that are held until their run is released. */
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

/** The run of a request's id. */
export function runOf(id: string): string {
  return id.slice(0, id.indexOf('.'))
}

/** What a cell needs of whatever stands at the other end. */
export interface Backend {
  readonly port: number
  /** The same server, with room for one stream at a time. */
  readonly narrowPort: number
  /** In front of every path. */
  readonly prefix: string
  /** It passes content on when it has all of it. */
  readonly buffers: boolean
  reached(id: string, point: Point): Promise<void>
  /** Lets every answer of a run go, those that are held and those to come. */
  release(run: string): void
  /** How often the request reached it, less what it has disowned. */
  deliveries(id: string): Promise<number>
  /** Resolves when no client has a socket open. */
  quiet(): Promise<void>
}
