/** Waits that end with a signal, and the deadline of an attempt. */

import { TimeoutError } from '@unshard/core'

/** The deadline of one attempt, together with the signal of the command. */
export class Deadline {
  readonly signal: AbortSignal
  readonly #timer: NodeJS.Timeout | undefined

  /** @param ms `undefined` without a deadline. */
  constructor(signal: AbortSignal, ms: number | undefined) {
    if (ms === undefined) {
      this.signal = signal
      return
    }
    const controller = new AbortController()
    this.#timer = setTimeout(() => controller.abort(new TimeoutError('total', ms)), ms)
    this.signal = AbortSignal.any([signal, controller.signal])
  }

  /** Ends the deadline. */
  clear(): void {
    clearTimeout(this.#timer)
  }
}

/** Waits for a promise, or until the signal is aborted. @throws the reason of the signal, or the error of the promise. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Waits, at most until the signal is aborted. Never rejects. */
export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
