/** Calls with a stream of messages in one direction or both. */

import { Exchange } from '../exchange.js'
import { type Outcome, outcomeOf, Status } from '../status.js'
import type { Call, CallContext } from './call-context.js'
import type { CallRetries } from './call-retries.js'
import type { Method } from './definition.js'
import { GrpcError } from './grpc-error.js'
import type { MessageSource } from './message-source.js'
import { CallMetadata } from './metadata.js'
import { failure } from './unary-call.js'

/** The messages of a response. Leaving the loop ends the call. */
export interface GrpcStream<Response> extends AsyncIterableIterator<Response> {
  /** Resolves with the initial metadata; rejects if the call fails before it. */
  readonly metadata: Promise<CallMetadata>
  /** Resolves with the trailing metadata once the call has succeeded. */
  readonly trailers: Promise<CallMetadata>
  return(): Promise<IteratorResult<Response>>
}

interface Deferred<Value> {
  readonly promise: Promise<Value>
  resolve(value: Value): void
  reject(reason: unknown): void
}

function deferred<Value>(): Deferred<Value> {
  let resolve!: (value: Value) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<Value>((resolved, rejected) => {
    resolve = resolved
    reject = rejected
  })
  // Only callers that ask for it handle its failure: the messages report it as well.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}

interface Pending<Response> {
  resolve(result: IteratorResult<Response>): void
  reject(reason: unknown): void
}

/** A call whose response is a stream. */
export class StreamingCall<Response> implements GrpcStream<Response> {
  readonly #context: CallContext
  readonly #method: Method<never, Response>
  readonly #call: Call
  readonly #metadata = deferred<CallMetadata>()
  readonly #trailers = deferred<CallMetadata>()
  readonly #pending: Pending<Response>[] = []
  readonly #content: () => Uint8Array | MessageSource
  readonly #retries: CallRetries | undefined
  #exchange!: Exchange
  #source: MessageSource | undefined
  /** Whether the fields of a response have arrived. */
  #isCommitted = false
  /** Whether the call waits before another attempt. */
  #isWaiting = false
  #outcome: Outcome | undefined
  /** Set once the reader wants no more. */
  #isLeft = false

  /**
   * @param content returns the message as it is sent, or a source of messages.
   * @param retries by which an attempt follows a failed one; `content` is then called again.
   */
  constructor(
    context: CallContext,
    method: Method<never, Response>,
    call: Call,
    content: () => Uint8Array | MessageSource,
    retries: CallRetries | undefined,
  ) {
    this.#context = context
    this.#method = method
    this.#call = call
    this.#content = content
    this.#retries = retries
    this.#start()
  }

  #start(): void {
    const context = this.#context
    const body = this.#content()
    this.#source = body instanceof Uint8Array ? undefined : body
    const request = context.request(this.#method, this.#call, body, this.#retries?.previous)
    this.#exchange = new Exchange(context.client, request, context.mostReceived, {
      onHeaders: (fields) => {
        this.#isCommitted = true
        this.#metadata.resolve(new CallMetadata(this.#retries?.withPrevious(fields) ?? fields))
      },
      onMessage: (message) => this.#received(message),
      onOutcome: (outcome) => this.#attempted(outcome),
    })
  }

  /** Begins another attempt if the policy allows it, else ends the call. */
  #attempted(outcome: Outcome): void {
    if (this.#source?.isOver === false) this.#exchange.stopSending()
    if (this.#retries === undefined || this.#isLeft || outcome.code === Status.OK) return this.#ended(outcome)
    this.#isWaiting = true
    void this.#retries.next(outcome, this.#isCommitted).then((last) => {
      if (!this.#isWaiting) return
      this.#isWaiting = false
      if (last !== undefined) return this.#ended(last)
      this.#start()
      for (const _ of this.#pending) this.#exchange.read()
    })
  }

  get metadata(): Promise<CallMetadata> {
    return this.#metadata.promise
  }

  get trailers(): Promise<CallMetadata> {
    return this.#trailers.promise
  }

  next(): Promise<IteratorResult<Response>> {
    if (this.#outcome !== undefined || this.#isLeft) return this.#last()
    const message = this.#pending.length === 0 ? this.#exchange.take() : undefined
    if (message !== undefined) return this.#read(message)
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject })
      this.#exchange.read()
    })
  }

  return(): Promise<IteratorResult<Response>> {
    this.#isLeft = true
    const outcome = outcomeOf(Status.CANCELLED, 'the reader left before the end of the messages')
    this.#exchange.cancel(outcome)
    if (this.#isWaiting) {
      this.#isWaiting = false
      this.#retries!.stop()
      this.#ended(outcome)
    }
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #received(message: Uint8Array): void {
    const { resolve, reject } = this.#pending.shift()!
    try {
      resolve({ done: false, value: this.#method.deserialize(message) })
    } catch (error) {
      reject(this.#unreadable(error))
    }
  }

  #read(message: Uint8Array): Promise<IteratorResult<Response>> {
    try {
      return Promise.resolve({ done: false, value: this.#method.deserialize(message) })
    } catch (error) {
      return Promise.reject(this.#unreadable(error))
    }
  }

  /** Ends the call because of a message that cannot be read, and returns its error. */
  #unreadable(error: unknown): GrpcError {
    const outcome = outcomeOf(Status.INTERNAL, `the message cannot be read: ${(error as Error).message}`, error)
    this.#exchange.cancel(outcome)
    return new GrpcError(outcome, this.#context.origin)
  }

  #ended(outcome: Outcome): void {
    this.#outcome = outcome
    const isOk = outcome.code === Status.OK
    if (isOk) this.#context.configs.succeeded()
    const reason = isOk ? undefined : failure(this.#context, this.#call, outcome)
    if (isOk) this.#trailers.resolve(new CallMetadata(outcome.trailers))
    else this.#trailers.reject(reason)
    // Without effect if the initial metadata has come.
    if (isOk) this.#metadata.resolve(new CallMetadata([]))
    else this.#metadata.reject(reason)
    for (const pending of this.#pending.splice(0)) {
      if (isOk || this.#isLeft) pending.resolve({ done: true, value: undefined })
      else pending.reject(reason)
    }
  }

  /** The end, once for each call of `next` after it. */
  #last(): Promise<IteratorResult<Response>> {
    if (this.#isLeft || this.#outcome!.code === Status.OK) return Promise.resolve({ done: true, value: undefined })
    this.#isLeft = true
    return Promise.reject(failure(this.#context, this.#call, this.#outcome!))
  }
}
