/** Abort signals: one listener for each signal, however many requests it ends. Node warns at eleven. */

/** What a signal ends. */
export interface Abortable {
  abort(reason: unknown): void
}

const listening = new WeakMap<AbortSignal, Listener>()

class Listener {
  readonly #signal: AbortSignal
  readonly #targets = new Set<Abortable>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(target: Abortable): void {
    if (this.#targets.size === 0) this.#signal.addEventListener('abort', this.#onAbort)
    this.#targets.add(target)
  }

  delete(target: Abortable): void {
    if (this.#targets.delete(target) && this.#targets.size === 0) this.#signal.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => {
    const targets = [...this.#targets]
    this.#targets.clear()
    this.#signal.removeEventListener('abort', this.#onAbort)
    for (const target of targets) target.abort(this.#signal.reason)
  }
}

/** Ends `target` when `signal` is aborted, until {@link unlink}. */
export function link(signal: AbortSignal, target: Abortable): void {
  let listener = listening.get(signal)
  if (listener === undefined) {
    listener = new Listener(signal)
    listening.set(signal, listener)
  }
  listener.add(target)
}

/** The signal concerns `target` no more. */
export function unlink(signal: AbortSignal, target: Abortable): void {
  listening.get(signal)?.delete(target)
}
