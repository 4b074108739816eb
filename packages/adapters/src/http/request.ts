/** Requests with the interface of Node's `http.ClientRequest`, over the connections of a client. */

import { type IncomingMessage, type OutgoingHttpHeaders, STATUS_CODES } from 'node:http'
import type { Client } from '@unshard/core'
import { abortError, abortedResponse, hangUp } from './errors.js'
import { Exchange, requestFields } from './exchange.js'
import { joinedFields } from './message-fields.js'
import type { Target } from './target.js'
import { type WrappedMessage, WrappedRequest, type WrappedSession } from './wrapper.js'

/** The session that http2-wrapper is given: one for each request, because the client chooses the connection. */
class Session implements WrappedSession {
  readonly destroyed = false
  readonly socket: { readonly encrypted: boolean }
  readonly #client: Client
  readonly #base: string
  /** Set once the request exists. */
  owner!: ClientRequest

  constructor(client: Client, { scheme, base }: Target) {
    this.socket = { encrypted: scheme === 'https:' }
    this.#client = client
    this.#base = base
  }

  request(headers: OutgoingHttpHeaders): Exchange {
    const method = headers[':method'] as string
    const url = this.#base + String(headers[':path'] ?? '/')
    const exchange = new Exchange(this.#client, { method, url, headers: requestFields(headers) }, this.owner)
    exchange.once('broken', (error: Error) => this.owner.broken(error))
    return exchange
  }
}

/** A request of http2-wrapper, with what Node's have in addition. */
export class ClientRequest extends WrappedRequest {
  constructor(client: Client, target: Target, callback: ((response: IncomingMessage) => void) | undefined) {
    const session = new Session(client, target)
    super({ ...target.options, h2session: session }, callback)
    session.owner = this
    if (target.signal !== undefined) this.#listen(target.signal)
  }

  /** Node's `addAbortSignal()` stops to listen when the request is sent; a response may be aborted as well. */
  #listen(signal: AbortSignal): void {
    const abort = (): void => void this.destroy(abortError(signal.reason))
    if (signal.aborted) return process.nextTick(abort)
    signal.addEventListener('abort', abort, { once: true })
    this.once('close', () => signal.removeEventListener('abort', abort))
  }

  /** http2-wrapper refuses content of GET and DELETE, which Node sends (RFC 9110 §9.3.1). */
  get _mustNotHaveABody(): boolean {
    return false
  }

  /** Whether a part of this many bytes is the whole content. */
  isWhole(bytes: number): boolean {
    return this.writableEnded && this.writableLength === bytes
  }

  onInformational(statusCode: number, rawHeaders: readonly string[]): void {
    if (this.destroyed) return
    if (statusCode === 100) this.emit('continue')
    // Without a version: which connection serves the request is known with its response.
    const headers = joinedFields(rawHeaders)
    this.emit('information', { statusCode, statusMessage: STATUS_CODES[statusCode] ?? '', headers, rawHeaders })
  }

  /** Ends the response: its connection was lost, or the server reset the stream. */
  broken(error: Error): void {
    const { res } = this
    if (res !== null && !res.destroyed) res.destroy(error)
  }

  override emit(name: string, ...args: unknown[]): boolean {
    if (name === 'response') complete(args[0] as WrappedMessage, this._request as Exchange)
    // As in Node, a listener that is added after `end()` gets it.
    if (name === 'socket') {
      process.nextTick(() => super.emit(name, ...args))
      return true
    }
    return super.emit(name, ...args)
  }

  override _destroy(given: Error | null, callback: (error: Error | null) => void): void {
    const { res, _request: stream } = this
    const isEarly = res === null
    if (!isEarly && !res.complete && !res.destroyed) res.destroy(given ?? abortedResponse())
    stream?.destroy()
    // As in Node, an error after the response belongs to the response.
    callback(isEarly ? (given ?? hangUp()) : null)
    if (stream === undefined) setImmediate(() => this.emit('close'))
  }

  override setHeader(name: string, value: OutgoingHttpHeaders[string]): this {
    // RFC 9110 §7.6.1: fields of a connection, which has other requests as well.
    if (typeof name === 'string' && /^(connection|keep-alive|proxy-connection)$/i.test(name)) return this
    super.setHeader(name, value)
    return this
  }

  /** Adds a line to a field. */
  appendHeader(name: string, value: string | readonly string[]): this {
    const before = this.getHeader(name)
    return this.setHeader(name, [before ?? [], value].flat().map(String))
  }

  setHeaders(headers: Headers | Map<string, number | string | readonly string[]>): this {
    for (const [name, value] of headers) this.setHeader(name, value as string)
    return this
  }

  override hasHeader(name: string): boolean {
    return this.getHeader(name) !== undefined
  }

  override getHeaderNames(): string[] {
    return super.getHeaderNames().filter((name) => !name.startsWith(':'))
  }

  getRawHeaderNames(): string[] {
    return this.getHeaderNames()
  }

  getHeaders(): OutgoingHttpHeaders {
    return Object.fromEntries(this.getHeaderNames().map((name) => [name, this.getHeader(name)]))
  }

  get finished(): boolean {
    return this.writableEnded
  }
}

function versionOf(protocol: 'h2' | 'http/1.1'): { httpVersion: string; httpVersionMajor: number; httpVersionMinor: number } {
  return protocol === 'h2'
    ? { httpVersion: '2.0', httpVersionMajor: 2, httpVersionMinor: 0 }
    : { httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1 }
}

/** Adds what http2-wrapper's messages lack: the reason phrase, the version, and the error of a response that is cut off. */
function complete(message: WrappedMessage, stream: Exchange): void {
  const { status, statusText, connection } = stream.response!
  message.statusMessage = statusText || (STATUS_CODES[status] ?? '')
  Object.assign(message, versionOf(connection.protocol))
  message._destroy = (error, callback) => {
    if (!message.complete && !message.aborted) {
      message.aborted = true
      message.emit('aborted')
    }
    stream.destroy()
    // As in Node, an error without a listener does not end the process: 'aborted' was emitted.
    callback(message.listenerCount('error') > 0 ? error : null)
  }
}
