/**
 * The interceptor seam: functions around each request, outermost first. A replay and the second attempt after 421 happen inside `next`;
 * redirects outside, so that an interceptor sees each hop. Must not know connections.
 */

import { TimeoutError, UsageError } from '../errors/errors.js'
import { Fields } from '../message/fields.js'
import { linesOf } from '../message/made-response.js'
import { parseOrigin } from '../message/origin.js'
import type { InterceptedRequest, Interceptor, RequestOptions } from '../message/request-options.js'
import { HttpResponse } from '../message/response.js'
import { type Abortable, type Aborter, link, unlink } from '../runtime/abort.js'
import type { Clock, ClockTimer } from '../runtime/clock.js'
import { isIterable, shownValue } from '../schema/option-checks.js'

/** Sends a request without interceptors. */
export type Send = (options: RequestOptions) => Promise<HttpResponse>

/**
 * Calls `waiter.abort` if the request ends while an interceptor waits: it is aborted, exceeds `timeouts.total`, or its client is destroyed.
 * Returns a function that ends the watch.
 */
export let watchEnd: (request: InterceptedRequest, waiter: Abortable) => () => void

class Intercepted implements InterceptedRequest {
  declare readonly method: string
  declare readonly url: string
  declare readonly headers: Fields
  readonly #interception: Interception

  static {
    watchEnd = (request, waiter) => {
      const interception = #interception in request ? (request as Intercepted).#interception : undefined
      interception?.addWaiter(waiter)
      return () => interception?.deleteWaiter(waiter)
    }
  }

  constructor(options: RequestOptions, interception: Interception) {
    this.#interception = interception
    const lists = withLists(options)
    const { method = 'GET', url, headers = {} } = lists
    Object.assign(this, lists, { method, url: String(url), headers: new Fields(linesOf(headers)) })
    Object.freeze(this)
  }

  with(changes: Partial<RequestOptions>): InterceptedRequest {
    const merged = { __proto__: null, ...this, ...changes } as unknown as Record<string, unknown>
    for (const name of Object.keys(changes)) if (merged[name] === undefined) delete merged[name]
    return new Intercepted(merged as unknown as RequestOptions, this.#interception)
  }
}

/** One request and the interceptors around it. Settles once. */
export class Interception implements Abortable {
  readonly #interceptors: readonly Interceptor[]
  readonly #send: Send
  readonly #signal: AbortSignal | undefined
  #timer: ClockTimer | undefined
  #reject!: (reason: unknown) => void
  #isOver = false
  #reason: unknown
  #waiters: Set<Abortable> | undefined
  aborters: Aborter | undefined

  constructor(interceptors: readonly Interceptor[], send: Send, signal: AbortSignal | null | undefined) {
    this.#interceptors = interceptors
    this.#send = send
    this.#signal = signal ?? undefined
  }

  /** Runs the interceptors. @param onOver called once, when the promise settles. */
  run(options: RequestOptions, onOver: () => void): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      this.#reject = (reason) => {
        if (!this.#finish(onOver)) return
        this.#reason = reason
        reject(reason)
        for (const waiter of this.#waiters ?? []) waiter.abort(reason)
      }
      if (this.#signal !== undefined) link(this.#signal, this)
      const { interceptors: _, ...rest } = options
      this.#pass(0, new Intercepted(rest, this)).then(
        (response) => {
          if (this.#finish(onOver)) resolve(response)
          // Aborted in the meantime: no reader will come.
          else response.discard()
        },
        (error: unknown) => this.#reject(error),
      )
    })
  }

  /** Limits the whole by `timeouts.total`, including the time between two attempts. @param leftMs what is left of `totalMs`. */
  limit(clock: Clock, leftMs: number, totalMs: number, url: string | URL): void {
    this.#timer = clock.startTimer(leftMs, () =>
      this.abort(new TimeoutError('total', totalMs, { origin: parseOrigin(url).serialized, processed: 'unknown' })),
    )
    this.#timer.unref()
  }

  abort(reason: unknown): void {
    this.#reject(reason)
  }

  /** Adds an operation to abort when the request is rejected; aborts it now if that has happened. */
  addWaiter(waiter: Abortable): void {
    if (this.#isOver) return waiter.abort(this.#reason ?? overError())
    this.#waiters ??= new Set()
    this.#waiters.add(waiter)
  }

  deleteWaiter(waiter: Abortable): void {
    this.#waiters?.delete(waiter)
  }

  #finish(onOver: () => void): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#timer?.cancel()
    if (this.#signal !== undefined) unlink(this.#signal, this)
    onOver()
    return true
  }

  async #pass(index: number, request: InterceptedRequest): Promise<HttpResponse> {
    const interceptor = this.#interceptors[index]
    if (interceptor === undefined) return this.#send({ __proto__: null, ...request } as unknown as RequestOptions)
    const response: unknown = await interceptor(request, (changed) => this.#next(index, changed))
    if (response instanceof HttpResponse) return response
    throw new UsageError(
      'ERR_INTERCEPTOR',
      'an interceptor must return a response: return next(request), or HttpResponse.from()',
      {
        processed: 'unknown',
      },
    )
  }

  async #next(index: number, request: InterceptedRequest): Promise<HttpResponse> {
    if (!(request instanceof Intercepted)) {
      const message = `next() takes the request, or the result of request.with(), not ${shownValue(request)}`
      throw new UsageError('ERR_INTERCEPTOR', message)
    }
    if (this.#isOver) throw overError()
    return this.#pass(index + 1, request)
  }
}

/** Copies iterators into lists: an intercepted request is read several times. */
export function withLists(options: RequestOptions): RequestOptions {
  const { headers, sensitive } = options
  if (!isReadOnce(headers) && !isReadOnce(sensitive)) return options
  return {
    ...options,
    ...(isReadOnce(headers) && { headers: [...(headers as Iterable<[string, string]>)] }),
    ...(isReadOnce(sensitive) && { sensitive: [...sensitive!] }),
  }
}

function isReadOnce(value: unknown): boolean {
  return typeof value === 'object' && value !== null && isIterable(value) && (value[Symbol.iterator]() as unknown) === value
}

function overError(): UsageError {
  return new UsageError('ERR_INTERCEPTOR', 'next() was called after the request was over')
}

/**
 * Checks a list of interceptors; returns `undefined` for an empty one.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
export function checkInterceptors(given: readonly Interceptor[] | undefined): readonly Interceptor[] | undefined {
  if (given === undefined) return undefined
  if (!Array.isArray(given) || given.some((each) => typeof each !== 'function')) {
    throw new UsageError('ERR_INVALID_OPTION', `option interceptors takes a list of functions, not ${shownValue(given)}`)
  }
  return given.length === 0 ? undefined : [...given]
}

/** Joins interceptors, outer ones first. */
export function joined(
  outer: readonly Interceptor[] | undefined,
  inner: readonly Interceptor[] | undefined,
): readonly Interceptor[] | undefined {
  if (outer === undefined || inner === undefined) return outer ?? inner
  return [...outer, ...inner]
}
