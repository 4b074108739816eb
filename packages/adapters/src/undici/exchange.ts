/**
 * One dispatch from start to end: calls a handler in undici's order, each method once, and never
 * after the end.
 */

import { type Client, type HttpResponse, type RequestOptions, UnshardError } from '@unshard/core'
import { AbortHandle, fieldList } from '@unshard/core/internal'
import { leaveUnread } from '../streams/part-iterator.js'
import { openProtocolStream, type ProtocolStream, switchingFields } from '../streams/protocol-stream.js'
import { watched } from './body.js'
import { requestAborted, toDispatchError } from './errors.js'
import type { Linked } from './exchange-list.js'
import type { Controlled, Listener } from './generations.js'
import type { PreparedRequest } from './request-options.js'

/** Callbacks of an exchange to its dispatcher. */
export interface ExchangeOwner {
  onAnswer(exchange: Exchange, response: HttpResponse): void
  /** The exchange is over. `error` is set unless the caller ended it or it completed. */
  onOver(exchange: Exchange, error?: unknown): void
  /** A handler threw where the error cannot be passed on. */
  onHandlerError(error: unknown): void
}

/** A request in flight, and the controller passed to the newer handlers. */
export class Exchange implements Controlled, Linked<Exchange> {
  readonly origin: string
  readonly #owner: ExchangeOwner
  readonly #listener: Listener
  #abort: AbortHandle | AbortController = new AbortHandle()
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
  /**
   * A callback for headers or a part is running: resumed content is delivered when it has returned.
   */
  #telling = false
  /** Content that arrived while the handler had paused. */
  #held: IteratorResult<Uint8Array> | undefined
  /** Content in memory was reported as sent, or its source reports it. */
  #sentTold = true
  #memory: Uint8Array | undefined
  #streams = false
  /** Content that is read while it is sent, until it is sent. */
  #source: object | undefined
  #over = false

  constructor(owner: ExchangeOwner, listener: Listener, origin: string) {
    this.#owner = owner
    this.#listener = listener
    this.origin = origin
  }

  /**
   * Starts the exchange. The handler can abort from the beginning, not only once there is a
   * connection.
   */
  start(client: Client, request: PreparedRequest): void {
    const { body } = request
    if (typeof body === 'object' && !(body instanceof Uint8Array)) this.#source = body
    this.#call(() => this.#listener.start(this))
    if (this.#over) return
    const { method, url, headers, timeouts, http1Only, replay, resolvedAddress } = request
    // One shape for all requests: this object is read on the hot path.
    const options = {
      method,
      url,
      headers,
      timeouts,
      http1Only,
      replay,
      resolvedAddress,
      body: this.#watch(request.body),
      signal: this.#abort.signal,
      onInformational: (status: number, fields: readonly string[]) => this.#inform(status, fields),
    }
    client.request(options as RequestOptions).then(this.#answer, this.#fail)
  }

  /** Starts a request for a stream of another protocol, which the handler takes over. */
  startUpgrade(client: Client, { url, headers, timeouts, http1Only, resolvedAddress }: PreparedRequest, protocol: string): void {
    // A stream outlives its request, so it needs a real signal.
    this.#abort = new AbortController()
    this.#call(() => this.#listener.start(this))
    if (this.#over) return
    openProtocolStream(client, {
      ...{ url, headers, protocol, signal: this.#abort.signal },
      ...(timeouts !== undefined && { timeouts }),
      ...(http1Only !== undefined && { http1Only }),
      ...(resolvedAddress !== undefined && { resolvedAddress }),
    }).then((stream) => this.#upgraded(stream, protocol, headers.get('sec-websocket-key')), this.#fail)
  }

  #upgraded(stream: ProtocolStream, protocol: string, key: string | undefined): void {
    const { response } = stream
    if (!stream.isOpen) {
      stream.refuse()
      return this.#answer(response)
    }
    const duplex = stream.accept()
    // As a socket of Node: it ends when the peer ends.
    duplex.allowHalfOpen = false
    if (!this.#over) this.#owner.onAnswer(this, response)
    this.#call(() => {
      if (!this.#over) this.#listener.upgraded(this, switchingFields(response, protocol, key), duplex)
    })
    // The handler has aborted, or has thrown.
    if (this.#over) return void duplex.destroy()
    this.#over = true
    this.#owner.onOver(this)
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
      // Any of these callbacks may end the exchange.
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
      // Deliver content that has arrived in the same turn as the headers, as undici does: its fetch
      // and its interceptors rely on it.
      const part = this.#response!.takePart()
      if (part !== undefined) this.#deliver(part)
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

  /** As in undici: close a source that was not sent to its end. */
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
    // The request may have been sent, and its content in memory with it.
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

  /** Calls the handler. An error it throws ends its own request. */
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

  /**
   * HTTP/2 has no reason phrase (RFC 9113 §8.3.2); for HTTP/1.1 return the registered one, which is
   * nearly always the one sent.
   */
  #statusText(status: number, response: HttpResponse | undefined): string {
    return response?.connection.protocol === 'http/1.1' ? reasonPhrase(status) : ''
  }

  /** Prepares to report sent content if the handler has such a method. */
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

  /**
   * Reports content in memory as sent, at the latest when the response begins: that is the first
   * sign that it was.
   */
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

/**
 * Loaded with the first HTTP/1.1 response: loading `node:http` takes longer than everything here.
 */
function reasonPhrase(status: number): string {
  return process.getBuiltinModule('node:http').STATUS_CODES[status] ?? ''
}

function trailersOf({ trailers }: HttpResponse): readonly string[] {
  return trailers === undefined ? [] : fieldList(trailers)
}
