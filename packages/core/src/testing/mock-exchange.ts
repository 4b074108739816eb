/**
 * One request on a mock connection: calls the handler, and reports its response as an engine would.
 */

import { ConnectionError, StreamError, UnshardError } from '../errors/errors.js'
import { hasField } from '../message/field-lines.js'
import { checkFields } from '../message/fields.js'
import type { HttpRequest } from '../message/request.js'
import { type Content, leave, toContent } from '../message/request-content.js'
import { type BodySource, ResponseBody } from '../message/response-body.js'
import { queueMicrotask } from '../runtime/event-loop.js'
import type { Exchange, ExchangeObserver } from '../transport/exchange.js'
import { type MockHandler, MockRequest, type MockResponse } from './mock-message.js'
import { MockUpload, type MockUploadOwner } from './mock-upload.js'

/** Unread bytes above which the handler's stream is paused. */
const BUFFER_BYTES = 65_536

/** The engine's part of a mock request. */
export class MockExchange implements Exchange, BodySource, MockUploadOwner {
  readonly #request: HttpRequest
  readonly #observer: ExchangeObserver
  readonly #connectionId: number
  readonly #released: () => void
  readonly #gone = new AbortController()
  readonly #upload: MockUpload
  /** The response content while it is being read. */
  #source: AsyncIterator<unknown> | undefined
  #body: ResponseBody | undefined
  #resume: (() => void) | undefined
  #over = false
  trailers: readonly string[] | undefined
  sentBytes = 0

  /** @param released called when the exchange no longer occupies a slot. */
  constructor(request: HttpRequest, observer: ExchangeObserver, connectionId: number, released: () => void) {
    this.#request = request
    this.#upload = new MockUpload(request, this)
    this.#observer = observer
    this.#connectionId = connectionId
    this.#released = released
  }

  /** Calls the handler. No callback runs before this returns. */
  start(handler: MockHandler): void {
    queueMicrotask(() => this.#serve(handler).catch((error: unknown) => this.#fail(error)))
  }

  /** Returns false: a mock does not schedule responses. */
  reprioritize(): boolean {
    return false
  }

  abort(reason: unknown): void {
    this.#body?.discard(reason)
    this.#end(reason)
  }

  cancel(reason: unknown): void {
    this.abort(reason)
  }

  consumed(): void {
    if (this.#body!.buffered < BUFFER_BYTES) this.#resume?.()
  }

  onSent(bytes: number): void {
    this.sentBytes += bytes
  }

  onUploadFailed(error: Error): void {
    this.#fail(error)
  }

  /** Fails the exchange: the connection was lost. */
  lost(error: Error): void {
    this.#fail(error)
  }

  async #serve(handler: MockHandler): Promise<void> {
    if (this.#over) return
    const inform = (status: number, headers: Parameters<typeof checkFields>[0]): void => {
      if (!this.#over && this.#body === undefined) this.#observer.onInformational(status, checkFields(headers).list)
    }
    const request = new MockRequest(this.#request, this.#connectionId, this.#gone.signal, inform, this.#upload)
    const answer = (await handler(request)) ?? {}
    if (this.#over) return
    const content = contentOf(answer)
    const body = new ResponseBody(this)
    this.#body = body
    this.#observer.onResponse(answer.status ?? 200, fieldsOf(answer, content), body)
    if (content !== undefined && this.#request.method !== 'HEAD') await this.#send(content, body)
    if (this.#over) return
    this.trailers = checkFields(answer.trailers).list
    body.end()
    this.#end(undefined)
  }

  async #send(content: Content, body: ResponseBody): Promise<void> {
    const { bytes } = content
    if (bytes !== undefined) {
      if (bytes.length > 0) body.push(bytes)
      return
    }
    const source = content.open()
    this.#source = source
    try {
      while (!this.#over) {
        const { done, value } = await source.next()
        if (done === true || this.#over) return
        const part = typeof value === 'string' ? Buffer.from(value) : value
        if (part.length > 0) body.push(part)
        if (body.buffered >= BUFFER_BYTES) await new Promise<void>((resolve) => (this.#resume = resolve))
      }
    } finally {
      this.#leaveSource()
    }
  }

  /** Closes the source without waiting for its pending part, which may never come. */
  #leaveSource(): void {
    const source = this.#source
    this.#source = undefined
    if (source !== undefined) leave(source)
  }

  #fail(cause: unknown): void {
    if (this.#over) return
    const error = this.#typed(cause)
    if (this.#body === undefined) this.#observer.onError(error)
    else this.#body.fail(error)
    this.#end(error)
  }

  /**
   * Returns an error of this project as it is, and other errors as a StreamError of the peer: the
   * handler acts as the server.
   */
  #typed(cause: unknown): Error {
    if (cause instanceof UnshardError) return cause
    const { serialized } = this.#request.origin
    const message = `the handler failed: ${cause instanceof Error ? cause.message : String(cause)}`
    const processed = this.#body === undefined ? 'unknown' : 'yes'
    return new StreamError('ERR_MOCK_HANDLER', message, { origin: serialized, initiator: 'peer', cause, processed })
  }

  #end(reason: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#resume?.()
    this.#leaveSource()
    if (reason === undefined) this.#upload.end()
    else this.#upload.stop(reason)
    this.#released()
    this.#observer.onClosed()
    if (reason !== undefined) this.#gone.abort(reason)
  }
}

/** The error of the requests of a lost mock connection. */
export function connectionLost(origin: string): ConnectionError {
  const details = { origin, initiator: 'peer', processed: 'unknown' } as const
  return new ConnectionError('ERR_CONNECTION_LOST', 'the mock connection was lost', details)
}

function contentOf({ body, json }: MockResponse): Content | undefined {
  if (json !== undefined) return { ...toContent(Buffer.from(JSON.stringify(json))), type: 'application/json' }
  return body === undefined ? undefined : toContent(body)
}

function fieldsOf({ headers }: MockResponse, content: Content | undefined): readonly string[] {
  const fields = [...checkFields(headers).list]
  if (content?.type !== undefined && !hasField(fields, 'content-type')) fields.push('content-type', content.type)
  if (content?.length !== undefined) fields.push('content-length', String(content.length))
  return fields
}
