/**
 * Ends a request from inside, in addition to the user-supplied signal: closing a stream or leaving
 * a loop has no signal.
 */

import type { RequestOptions } from '@unshard/core'

/** Ends one request. No effect once the request is over. */
export class Cancellation {
  readonly #controller = new AbortController()
  /** Signal for the request, with the reason of the first abort: the caller's or ours. */
  readonly signal: AbortSignal

  constructor(given: RequestOptions['signal']) {
    const own = this.#controller.signal
    // `any` adds no listener to the user-supplied signal, however many requests share it.
    this.signal = given === undefined || given === null ? own : AbortSignal.any([given, own])
  }

  /** Ends the request now: its stream is reset, and pending promises reject with `reason`. */
  cancel(reason: unknown): void {
    this.#controller.abort(reason)
  }
}
