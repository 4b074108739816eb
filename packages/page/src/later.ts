/** Work that may wait until what is in sight has been painted. It is done in slices, in order. */

/** Duration of a slice, in milliseconds. */
const SLICE_MS = 12

/** A queue of work. */
export class Later {
  readonly #onChanged: (isBusy: boolean) => void
  #tasks: (() => void)[] = []
  #isScheduled = false

  /** @param onChanged called when work begins to wait, and when all is done. */
  constructor(onChanged: (isBusy: boolean) => void) {
    this.#onChanged = onChanged
  }

  /** Adds work. */
  add(task: () => void): void {
    if (this.#tasks.length === 0) this.#onChanged(true)
    this.#tasks.push(task)
    this.#schedule()
  }

  /** Does all work now. */
  finish(): void {
    this.#run(Number.POSITIVE_INFINITY)
  }

  /** A hidden page is not painted. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    const run = (): void => {
      this.#isScheduled = false
      this.#run(performance.now() + SLICE_MS)
      if (this.#tasks.length > 0) this.#schedule()
    }
    if (document.hidden) setTimeout(run)
    else requestAnimationFrame(() => setTimeout(run))
  }

  #run(untilMs: number): void {
    if (this.#tasks.length === 0) return
    let done = 0
    while (done < this.#tasks.length && performance.now() < untilMs) this.#tasks[done++]!()
    this.#tasks = this.#tasks.slice(done)
    if (this.#tasks.length === 0) this.#onChanged(false)
  }
}
