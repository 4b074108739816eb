/** One dispatch through its whole life: tells a handler what happens, in undici's order, each thing once, and nothing after the end. */

import { type Client, type HttpResponse, type RequestOptions, UnshardError } from '@unshard/core'
import { AbortHandle, fieldList } from '@unshard/core/internal'
import { leaveUnread } from '../streams/part-iterator.js'
import { watched } from './body.js'
import { requestAborted, toDispatchError } from './errors.js'
import type { Linked } from './exchange-list.js'
import type { Controlled, Listener } from './generations.js'
import type { PreparedRequest } from './request-options.js'

/** What an exchange tells its dispatcher. */
export interface ExchangeOwner {
  onAnswer(exchange: Exchange, response: HttpResponse): void
  /** It is over. `error` is what ended it, unless that was its caller, or its end. */
  onOver(exchange: Exchange, error?: unknown): void
  /** A handler has thrown where nothing can be done about it. */
  onHandlerError(error: unknown): void
}

/** A request under way, and the controller of it that the newer handlers hold. */
export class Exchange implements Controlled, Linked<Exchange> {
  readonly origin: string
  readonly #owner: ExchangeOwner
  readonly #listener: Listener
  readonly #abort = new AbortHandle()
  previous: Exchange | undefined
  next: Exchange | undefined
  aborted = false
  paused = false
  reason: unknown = null
  rawHeaders: Buffer[] | undefined
  rawTrailers: Buffer[] | undefined
  #response: HttpResponse | undefined
  #parts: AsyncIterator<Uint8Array> | undefined
  #reading = false
  /** A callback for the fields or for a part is under way: what it resumes is delivered when it has returned. */
  #telling = false
  /** What has come while its handler was pausing. */
  #held: IteratorResult<Uint8Array> | undefined
  /** Content that was in memory has been told of, or is told by its source. */
  #sentTold = true
  #memory: Uint8Array | undefined
  #streams = false
  /** Content that is read as it is sent, until it is sent. */
  #source: object | undefined
  #over = false

  constructor(owner: ExchangeOwner, listener: Listener, origin: string) {
    this.#owner = owner
    this.#listener = listener
    this.origin = origin
  }

  /** Sets off. The handler has its way to abort from the beginning, not only when there is a connection. */
  start(client: Client, request: PreparedRequest): void {
    const { body } = request
    if (typeof body === 'object' && !(body instanceof Uint8Array)) this.#source = body
    this.#call(() => this.#listener.start(this))
    if (this.#over) return
    const { method, url, headers, timeouts, isolation, replay, resolvedAddress } = request
    // One shape for all: what reads it is on every request's path.
    const options = {
      method,
      url,
      headers,
      timeouts,
      isolation,
      replay,
      resolvedAddress,
      body: this.#watch(request.body),
      signal: this.#abort.signal,
      onInformational: (status: number, fields: readonly string[]) => this.#inform(status, fields),
    }
    client.request(options as RequestOptions).then(this.#answer, this.#fail)
  }

  abort(reason?: unknown): void {
    if (this.#over) return
    this.aborted = true
    this.reason = reason ?? requestAborted()
    this.#stop(this.reason)
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) this.#deliver(held)
    this.#read()
  }

  #inform(status: number, fields: readonly string[]): void {
    this.#tellSent()
    if (this.#over) return
    this.#call(() => {
      this.#listener.handler.onResponseStarted?.()
      // Any of them may end it from inside.
      if (!this.#over) this.#listener.headers(this, status, fields, this.#statusText(status, undefined))
    })
  }

  readonly #answer = (response: HttpResponse): void => {
    if (this.#over) return
    this.#response = response
    this.#owner.onAnswer(this, response)
    this.#tellSent()
    if (this.#over) return
    this.#parts = response.body
    this.#callInTurn(() => {
      this.#listener.handler.onResponseStarted?.()
      if (this.#over) return
      const { status, headers } = response
      if (!this.#listener.headers(this, status, fieldList(headers), this.#statusText(status, response))) this.paused = true
    })
    this.#read()
  }

  #read(): void {
    while (!this.#over && !this.paused && !this.#reading && !this.#telling && this.#parts !== undefined) {
      // Content that has arrived is delivered in the turn of the fields, as undici does: its fetch and its interceptors count on it.
      const here = this.#response!.takePart()
      if (here !== undefined) this.#deliver(here)
      else {
        this.#reading = true
        this.#parts.next().then(this.#arrive, this.#fail)
      }
    }
  }

  readonly #arrive = (part: IteratorResult<Uint8Array>): void => {
    this.#reading = false
    if (this.paused) this.#held = part
    else {
      this.#deliver(part)
      this.#read()
    }
  }

  #deliver({ done, value }: IteratorResult<Uint8Array>): void {
    if (this.#over) return
    if (done === true) return this.#end()
    const chunk = value instanceof Buffer ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    this.#callInTurn(() => {
      if (!this.#listener.data(this, chunk)) this.paused = true
    })
  }

  /** As undici does: what was not sent to its end is closed, whoever has opened it. */
  #leaveSource(reason: unknown): void {
    const source = this.#source
    this.#source = undefined
    if (source !== undefined) leaveUnread(source, reason)
  }

  #end(): void {
    this.#over = true
    this.#source = undefined
    this.#owner.onOver(this)
    try {
      this.#listener.end(this, trailersOf(this.#response!))
    } catch (error) {
      this.#tell(error)
    }
  }

  readonly #fail = (error: unknown): void => {
    // It has left, as far as anybody knows: content in memory with it.
    if (!this.#streams && error instanceof UnshardError && error.processed !== 'no') this.#tellSent()
    if (this.#over) return
    this.#over = true
    this.#leaveSource(error)
    this.#owner.onOver(this, error)
    this.#tell(toDispatchError(error, this.#response !== undefined))
  }

  #tell(error: unknown): void {
    try {
      this.#listener.error(this, error as Error)
    } catch (thrown) {
      this.#owner.onHandlerError(thrown)
    }
  }

  /** What a handler throws ends its own request. */
  #call(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#stop(error)
    }
  }

  #callInTurn(step: () => void): void {
    this.#telling = true
    this.#call(step)
    this.#telling = false
  }

  #stop(reason: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#abort.abort(reason)
    this.#leaveSource(reason)
    this.#owner.onOver(this)
    this.#tell(reason)
  }

  /** HTTP/2 has no reason phrase (RFC 9113 §8.3.2); over HTTP/1.1 it is the registered one, which is nearly always what was sent. */
  #statusText(status: number, response: HttpResponse | undefined): string {
    return response?.connection.protocol === 'http/1.1' ? reasonPhrase(status) : ''
  }

  /** Prepares to tell of content that is sent, where the handler wants to know. */
  #watch(body: PreparedRequest['body']): PreparedRequest['body'] {
    const { handler } = this.#listener
    if (handler.onBodySent === undefined && handler.onRequestSent === undefined) return body
    this.#sentTold = false
    if (body === undefined || body instanceof Uint8Array || body instanceof Blob) {
      this.#memory = body instanceof Uint8Array ? body : undefined
      return body
    }
    this.#streams = true
    return watched(body, {
      onBodySent: (chunk) => (this.#over ? undefined : this.#call(() => handler.onBodySent?.(chunk))),
      onContentSent: () => this.#tellSent(),
    })
  }

  /** At the latest when an answer begins: it is the first sign that content in memory has left. */
  #tellSent(): void {
    if (this.#sentTold || this.#over) return
    this.#sentTold = true
    const { handler } = this.#listener
    const memory = this.#memory
    this.#memory = undefined
    this.#call(() => {
      if (memory !== undefined) handler.onBodySent?.(memory)
      if (!this.#over) handler.onRequestSent?.()
    })
  }
}

/** Loaded when the first answer comes over HTTP/1.1: `node:http` takes longer than everything here. */
function reasonPhrase(status: number): string {
  return process.getBuiltinModule('node:http').STATUS_CODES[status] ?? ''
}

function trailersOf({ trailers }: HttpResponse): readonly string[] {
  return trailers === undefined ? [] : fieldList(trailers)
}
