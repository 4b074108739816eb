/** The part of an AbortSignal that a client asks for, without the cost of an EventTarget for each request. */

/** Aborted by its owner, once. One listener at a time, as the client has one for each signal. */
export class AbortSource {
  aborted = false
  reason: unknown
  #listener: (() => void) | undefined

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener
  }

  removeEventListener(_type: 'abort', _listener: () => void): void {
    this.#listener = undefined
  }

  abort(reason: unknown): void {
    this.aborted = true
    this.reason = reason
    this.#listener?.()
  }
}
