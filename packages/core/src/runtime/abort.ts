/** Abort signals: one listener for each signal, however many requests it ends. Node warns at eleven. */

import { LinkedList, type ListNode } from './linked-list.js'

const reasons = new WeakMap<AbortSignal, DOMException>()

/** The reason of a signal that is aborted; of one without, as those of polyfills are, an `AbortError` as the platform's have it. */
export function abortReason(signal: AbortSignal): unknown {
  const { reason } = signal
  if (reason !== undefined) return reason
  let made = reasons.get(signal)
  if (made === undefined) {
    made = new DOMException('This operation was aborted', 'AbortError')
    reasons.set(signal, made)
  }
  return made
}

/** What a signal ends. */
export interface Abortable {
  abort(reason: unknown): void
  /** @internal The signals that end it. */
  aborters?: Aborter | undefined
}

/** One of the signals that end something, and its place there. */
export interface Aborter {
  readonly listener: object
  readonly link: ListNode<Abortable>
  readonly another: Aborter | undefined
}

/**
 * A way to end one request, for adapters that need one for each: what a signal costs is an EventTarget, a listener and an entry in a weak table
 * that every major collection walks. Used once; afterwards it does nothing.
 */
export class AbortHandle {
  aborted = false
  reason: unknown
  #target: Abortable | undefined

  /** For `RequestOptions.signal`, and nothing else: it is no real AbortSignal. */
  get signal(): AbortSignal {
    return this as unknown as AbortSignal
  }

  /** Ends the request, which rejects with `reason`. */
  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.#target?.abort(reason)
  }

  /** What a request asks of a signal. */
  addEventListener(): void {
    throw new TypeError('an AbortHandle is no event target: it is the `signal` of one request')
  }

  /** @internal The request that it ends. */
  link(target: Abortable | undefined): void {
    this.#target = target
  }
}

const listening = new WeakMap<AbortSignal, Listener>()

class Listener {
  readonly #signal: AbortSignal
  readonly #targets: LinkedList<Abortable> = new LinkedList()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(target: Abortable): void {
    if (this.#find(target) !== undefined) return
    if (this.#targets.size === 0) this.#signal.addEventListener('abort', this.#onAbort)
    target.aborters = { listener: this, link: this.#targets.add(target), another: target.aborters }
  }

  delete(target: Abortable): void {
    const aborter = this.#find(target)
    if (aborter === undefined) return
    target.aborters = without(target.aborters, aborter)
    this.#targets.delete(aborter.link)
    if (this.#targets.size === 0) this.#signal.removeEventListener('abort', this.#onAbort)
  }

  #find(target: Abortable): Aborter | undefined {
    let aborter = target.aborters
    while (aborter !== undefined && aborter.listener !== this) aborter = aborter.another
    return aborter
  }

  readonly #onAbort = (): void => {
    const targets = this.#targets.all()
    for (const target of targets) this.delete(target)
    if (targets.length === 0) return
    const reason = abortReason(this.#signal)
    for (const target of targets) target.abort(reason)
  }
}

function without(list: Aborter | undefined, out: Aborter): Aborter | undefined {
  if (list === undefined || list === out) return out.another
  return { ...list, another: without(list.another, out) }
}

/** Ends `target` when `signal` is aborted, until {@link unlink}. */
export function link(signal: AbortSignal | AbortHandle, target: Abortable): void {
  if (signal instanceof AbortHandle) return signal.link(target)
  let listener = listening.get(signal)
  if (listener === undefined) {
    listener = new Listener(signal)
    listening.set(signal, listener)
  }
  listener.add(target)
}

/** The signal concerns `target` no more. */
export function unlink(signal: AbortSignal | AbortHandle, target: Abortable): void {
  if (signal instanceof AbortHandle) return signal.link(undefined)
  listening.get(signal)?.delete(target)
}

/** Settles as `promise` does, or with the reason of `signal` where that comes first: for what cannot be ended itself. */
export function unlessAborted<Value>(promise: Promise<Value> | Value, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    Promise.resolve(promise)
      .finally(() => signal.removeEventListener('abort', onAbort))
      .then(resolve, reject)
  })
}
