/** Ends a request from inside, beside whatever signal its caller gave: what closes a stream, or leaves a loop, has no signal of its own. */

import type { RequestOptions } from '@unshard/core'

/** One request's way to be ended. Nothing happens once the request is over. */
export class Cancellation {
  readonly #controller = new AbortController()
  /** For the request: aborted by its caller, or here. The reason is that of whoever came first. */
  readonly signal: AbortSignal

  constructor(given: RequestOptions['signal']) {
    const own = this.#controller.signal
    // `any` adds no listener to the caller's signal, however many requests share it.
    this.signal = given === undefined || given === null ? own : AbortSignal.any([given, own])
  }

  /** Ends the request now: its stream is reset, and who waits for it gets `reason`. */
  cancel(reason: unknown): void {
    this.#controller.abort(reason)
  }
}
