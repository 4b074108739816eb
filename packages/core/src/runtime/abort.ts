/**
 * Abort signals: one listener per signal, for any number of requests. Node warns about more than
 * ten.
 */

import { LinkedList, type ListNode } from './linked-list.js'

const reasons = new WeakMap<AbortSignal, DOMException>()

/**
 * Returns the reason of an aborted signal. Creates an `AbortError` for a signal without one, e.g.
 * of a polyfill.
 */
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

/** An operation that a signal can abort. */
export interface Abortable {
  abort(reason: unknown): void
  /** @internal The linked signals. */
  aborters?: Aborter | undefined
}

/** The link between a signal and an operation. */
export interface Aborter {
  readonly listener: object
  readonly link: ListNode<Abortable>
  readonly another: Aborter | undefined
}

/**
 * Aborts one request. For adapters that need this for each request: an AbortSignal costs an
 * EventTarget, a listener and an entry in a weak table that every major garbage collection scans.
 * Can be used once.
 */
export class AbortHandle {
  aborted = false
  reason: unknown
  #target: Abortable | undefined
  #others: readonly Abortable[] | undefined

  /** A value for `RequestOptions.signal` only; not a real AbortSignal. */
  get signal(): AbortSignal {
    return this as unknown as AbortSignal
  }

  /** Aborts the request, which rejects with `reason`. */
  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.#target?.abort(reason)
    for (const other of this.#others ?? []) other.abort(reason)
  }

  /** Throws: only the `signal` option may use the handle. */
  addEventListener(): void {
    throw new TypeError('an AbortHandle is not an event target: pass it as the `signal` of one request')
  }

  /** @internal Adds an operation to abort: the request, and the interceptors around it. */
  link(target: Abortable): void {
    if (this.#target === undefined) this.#target = target
    else this.#others = [...(this.#others ?? []), target]
  }

  /** @internal Removes an operation. */
  unlink(target: Abortable): void {
    if (this.#target === target) this.#target = undefined
    else this.#others = this.#others?.filter((other) => other !== target)
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

/** Aborts `target` when `signal` is aborted, until {@link unlink}. */
export function link(signal: AbortSignal | AbortHandle, target: Abortable): void {
  if (signal instanceof AbortHandle) return signal.link(target)
  let listener = listening.get(signal)
  if (listener === undefined) {
    listener = new Listener(signal)
    listening.set(signal, listener)
  }
  listener.add(target)
}

/** Returns a signal that user code can listen to: that of an {@link AbortHandle} cannot be. */
export function realSignal(signal: AbortSignal | AbortHandle | null | undefined): AbortSignal | undefined {
  if (!(signal instanceof AbortHandle)) return signal ?? undefined
  if (signal.aborted) return AbortSignal.abort(signal.reason)
  const controller = new AbortController()
  signal.link({ abort: (reason) => controller.abort(reason) })
  return controller.signal
}

/** Removes the link between `signal` and `target`. */
export function unlink(signal: AbortSignal | AbortHandle, target: Abortable): void {
  if (signal instanceof AbortHandle) return signal.unlink(target)
  listening.get(signal)?.delete(target)
}

/**
 * Settles like `promise`, or rejects with the reason of `signal` if that comes first. For
 * operations that cannot be aborted.
 */
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
