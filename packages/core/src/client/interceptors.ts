/**
 * The interceptor seam: functions around each request, outermost first. A replay and the second attempt after 421 happen inside `next`;
 * redirects outside, so that an interceptor sees each hop. Must not know connections.
 */

import type { UnshardCode } from '../errors/codes.js'
import { ConnectionError, type Processed, TimeoutError, UsageError } from '../errors/errors.js'
import { Fields } from '../message/fields.js'
import { linesOf } from '../message/made-response.js'
import { parseOrigin } from '../message/origin.js'
import { type Content, leave } from '../message/request-content.js'
import type { InterceptedRequest, Interceptor, RequestOptions } from '../message/request-options.js'
import { HttpResponse } from '../message/response.js'
import { type Abortable, type Aborter, link, unlink } from '../runtime/abort.js'
import type { Clock, ClockTimer } from '../runtime/clock.js'
import { shownValue } from '../schema/option-checks.js'

/** Sends one hop of a request. */
export type Send = (options: RequestOptions) => Promise<HttpResponse>

/** A request in flight that an interception has sent. */
export interface SentCall extends Abortable {
  /** Whether it is over, with its body. */
  readonly isOver: boolean
  /** Whether the server may have processed it. */
  readonly processed: Processed
}

/** Collaborators of an interception. */
export interface InterceptionDeps {
  readonly interceptors: readonly Interceptor[]
  /** Returns the function inside all interceptors, if the request that they pass on asks for one. */
  innermost(request: InterceptedRequest): Interceptor | undefined
  /** Sends a request without interceptors. @param onCall called with the request in flight. */
  send(options: RequestOptions, onCall: (call: SentCall) => void): Promise<HttpResponse>
  readonly signal: AbortSignal | undefined
  /** Content of the request, which is released if nothing is sent. */
  readonly content: Content | undefined
  /** The connection handle of the request, as an opaque key. */
  readonly handle: object | undefined
  /** Origin of the request, for errors. */
  readonly origin: string
  /** Called once, when nothing of the request is left. */
  onOver(): void
}

/**
 * Calls `waiter.abort` if the request ends while an interceptor waits: it is aborted, exceeds `timeouts.total`, or its client is destroyed.
 * Returns a function that ends the watch.
 */
export let watchEnd: (request: InterceptedRequest, waiter: Abortable) => () => void

class Intercepted implements InterceptedRequest {
  declare readonly method: string
  declare readonly url: string
  declare readonly headers: Fields
  declare readonly resolvedAddress?: string
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
    // Without a prototype: a polluted `Object.prototype` must not change the request.
    const { method = 'GET', url, headers = {}, sensitive } = { __proto__: null, ...options } as RequestOptions
    Object.assign(this, options, { method, url: String(url), headers: new Fields(linesOf(headers)) })
    // An iterable that can be read once would be empty for the next attempt.
    if (sensitive !== undefined) Object.assign(this, { sensitive: [...sensitive] })
    Object.freeze(this)
  }

  with(changes: Partial<RequestOptions>): InterceptedRequest {
    const merged = { __proto__: null, ...this, ...changes } as unknown as Record<string, unknown>
    for (const name of Object.keys(changes)) if (merged[name] === undefined) delete merged[name]
    // An address resolved by the caller is that of the first host.
    if (changes.url !== undefined && this.resolvedAddress !== undefined && isOtherOrigin(this.url, changes.url))
      delete merged['resolvedAddress']
    return new Intercepted(merged as unknown as RequestOptions, this.#interception)
  }
}

function isOtherOrigin(url: string, other: string | URL): boolean {
  return parseOrigin(url).serialized !== parseOrigin(other).serialized
}

/** One request and the interceptors around it. Settles once; it is over with the body of a response that an interceptor made. */
export class Interception implements Abortable {
  readonly #deps: InterceptionDeps
  #timer: ClockTimer | undefined
  #settle: ((reason: unknown) => void) | undefined
  #isOver = false
  #reason: unknown
  /** Number of requests passed on. */
  #sent = 0
  #waiters: Set<Abortable> | undefined
  /** Requests in flight that end with this one. */
  #calls: SentCall[] = []
  /** Responses of `next`, of which all but the returned one are discarded. */
  #responses: HttpResponse[] = []
  /** The returned response, if an interceptor made its body. */
  #made: HttpResponse | undefined
  aborters: Aborter | undefined

  constructor(deps: InterceptionDeps) {
    this.#deps = deps
  }

  /** The connection handle of the request, if any. */
  get handle(): object | undefined {
    return this.#deps.handle
  }

  /** Runs the interceptors. @param work sends each hop of a request that follows redirects. */
  run(options: RequestOptions, work: ((hop: Send) => Promise<HttpResponse>) | undefined): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      this.#settle = reject
      const { signal } = this.#deps
      if (signal !== undefined) link(signal, this)
      const hop: Send = ({ interceptors: _, redirect, maxRedirects, onRedirect, ...rest }) =>
        this.#pass(0, new Intercepted(rest, this))
      ;(work === undefined ? hop(options) : work(hop)).then(
        (response) => this.#answer(response, resolve),
        (error: unknown) => this.#fail(error, false),
      )
    })
  }

  /** Limits the whole by `timeouts.total`, including the time between two attempts. @param leftMs what is left of `totalMs`. */
  limit(clock: Clock, leftMs: number, totalMs: number): void {
    const { origin } = this.#deps
    this.#timer = clock.startTimer(leftMs, () => {
      this.#fail(new TimeoutError('total', totalMs, { origin, processed: this.#processed }), true)
    })
  }

  /** Ends the request because its client ends. */
  end(code: UnshardCode, message: string): void {
    const { origin } = this.#deps
    this.#fail(new ConnectionError(code, message, { origin, initiator: 'local', processed: this.#processed }), true)
  }

  /** Whether the server may have processed a request that was passed on. */
  get #processed(): Processed {
    const waiting = this.#calls.filter(({ isOver, processed }) => !isOver && processed === 'no')
    return waiting.length === this.#sent ? 'no' : 'unknown'
  }

  /** Ends the request, or the reading of a body that an interceptor made. */
  abort(reason: unknown): void {
    this.#fail(reason, true)
  }

  /** Adds an operation to abort when the request is rejected; aborts it now if that has happened. */
  addWaiter(waiter: Abortable): void {
    if (this.#settle === undefined) return waiter.abort(this.#reason ?? overError())
    this.#waiters ??= new Set()
    this.#waiters.add(waiter)
  }

  deleteWaiter(waiter: Abortable): void {
    this.#waiters?.delete(waiter)
  }

  #answer(response: HttpResponse, resolve: (response: HttpResponse) => void): void {
    // Aborted in the meantime: no reader will come.
    if (this.#settle === undefined) return response.discard()
    this.#settle = undefined
    this.#discardAllBut(response)
    if (this.#sent === 0) this.#closeContent(new Error('an interceptor answered the request'))
    if (response.isMade && !response.complete) {
      this.#made = response
      response.onOver(() => this.#finish())
    } else this.#finish()
    resolve(response)
  }

  #fail(reason: unknown, isAbort: boolean): void {
    if (this.#isOver) return
    this.#reason = reason
    const reject = this.#settle
    this.#settle = undefined
    reject?.(reason)
    for (const call of this.#calls) if (isAbort) call.abort(reason)
    this.#made?.discard(reason)
    this.#discardAllBut(isAbort ? undefined : responseOf(reason))
    if (this.#sent === 0) this.#deps.content?.release?.(reason, isAbort)
    for (const waiter of this.#waiters ?? []) waiter.abort(reason)
    this.#finish()
  }

  /** Closes a source that nothing will read. */
  #closeContent(reason: Error): void {
    const { content } = this.#deps
    // Bytes and Blobs have nothing to close.
    if (content !== undefined && content.bytes === undefined && content.length === undefined) leave(content.open(), reason)
  }

  #discardAllBut(returned: HttpResponse | undefined): void {
    for (const response of this.#responses) {
      if (!response.bodyUsed && !(returned !== undefined && response.sharesBody(returned))) response.discard()
    }
    this.#responses = []
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#made = undefined
    this.#calls = []
    this.#timer?.cancel()
    if (this.#deps.signal !== undefined) unlink(this.#deps.signal, this)
    this.#deps.onOver()
  }

  async #pass(index: number, request: InterceptedRequest): Promise<HttpResponse> {
    const { interceptors, innermost } = this.#deps
    const interceptor = index === interceptors.length ? innermost(request) : interceptors[index]
    if (interceptor === undefined) return this.#send({ __proto__: null, ...request } as unknown as RequestOptions)
    const response: unknown = await interceptor(request, (changed) => this.#next(index, changed))
    if (response instanceof HttpResponse) return response
    const message = 'an interceptor must return a response: return next(request), or HttpResponse.from()'
    throw new UsageError('ERR_INTERCEPTOR', message, { processed: this.#processed })
  }

  async #next(index: number, request: InterceptedRequest): Promise<HttpResponse> {
    if (!(request instanceof Intercepted)) {
      const message = `next() takes the request, or the result of request.with(), not ${shownValue(request)}`
      throw new UsageError('ERR_INTERCEPTOR', message)
    }
    if (this.#settle === undefined) throw overError()
    return this.#pass(index + 1, request)
  }

  /** Sends a request. One with a signal of the interceptor's own is the interceptor's to end, and may serve several requests. */
  async #send(options: RequestOptions): Promise<HttpResponse> {
    this.#sent++
    const isOurs = options.signal === undefined || options.signal === null || options.signal === this.#deps.signal
    const response = await this.#deps.send(options, (call) => {
      if (isOurs) this.#calls = [...this.#calls.filter(({ isOver }) => !isOver), call]
    })
    if (!isOurs) return response
    if (this.#settle === undefined) response.discard(this.#reason)
    else this.#responses.push(response)
    return response
  }
}

/** The response that an error hands to the caller, as errors for a status do. */
function responseOf(reason: unknown): HttpResponse | undefined {
  const { response } = (typeof reason === 'object' && reason !== null ? reason : {}) as { response?: unknown }
  return response instanceof HttpResponse ? response : undefined
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
