/**
 * One request as the stream that http2-wrapper expects of a `ClientHttp2Session`: writes are the request's content, reads the response's;
 * its events are those of a `ClientHttp2Stream`.
 */

import type { OutgoingHttpHeaders } from 'node:http'
import { Duplex } from 'node:stream'
import { type Client, type HttpResponse, type RequestOptions, UsageError } from '@unshard/core'
import { AbortHandle, fieldList } from '@unshard/core/internal'
import { ContentHandoff } from '../streams/content-handoff.js'
import { abortedResponse, toNodeError } from './errors.js'
import { IdleTimer } from './idle-timer.js'
import { joinedFields } from './message-fields.js'
import { SocketView } from './socket-view.js'

/** The request that an exchange belongs to. */
export interface ExchangeOwner {
  /** Whether a part of this many bytes is the whole content: the caller has ended it. */
  isWhole(bytes: number): boolean
  onInformational(status: number, fields: readonly string[]): void
}

/** Methods whose content, if any, comes before the request is sent: without it the request has no content. */
const WITHOUT_CONTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])

/** The stream of one request. */
export class Exchange extends Duplex {
  /** http2-wrapper shows its `socket` as that of the request. */
  readonly session: { readonly socket: SocketView; setTimeout(ms: number, callback?: () => void): unknown }
  readonly #client: Client
  readonly #options: Required<Pick<RequestOptions, 'method' | 'url' | 'headers'>>
  readonly #owner: ExchangeOwner
  readonly #abort = new AbortHandle()
  readonly #idle: IdleTimer
  #content: ContentHandoff | undefined
  #isSent = false
  /** Whether a first part waits for what follows it. */
  #isHeld = false
  #response: HttpResponse | undefined
  #parts: AsyncIterator<Uint8Array> | undefined
  #isWanted = false

  constructor(client: Client, options: Required<Pick<RequestOptions, 'method' | 'url' | 'headers'>>, owner: ExchangeOwner) {
    // 'close' comes from `_destroy`, after the error of the request.
    super({ emitClose: false })
    this.#client = client
    this.#options = options
    this.#owner = owner
    this.#idle = new IdleTimer(() => this.emit('timeout'))
    const setTimeout = (ms: number, callback?: () => void): this => this.setTimeout(ms, callback)
    this.session = { socket: new SocketView(this, options.url as string), setTimeout }
    if (!WITHOUT_CONTENT.has(options.method!)) process.nextTick(() => this.#sendFields())
  }

  /** The response, once its fields have arrived. */
  get response(): HttpResponse | undefined {
    return this.#response
  }

  /** Emits `timeout` after a time without progress, in milliseconds; 0 turns it off. */
  setTimeout(ms: number, callback?: () => void): this {
    if (callback !== undefined) this.once('timeout', callback)
    this.#idle.start(ms)
    return this
  }

  override _write(chunk: Uint8Array, _encoding: string, taken: () => void): void {
    this.#idle.touch()
    if (this.#content !== undefined) return this.#content.write(chunk, taken)
    // The end of a small content follows in the same turn: it is then sent in one piece, which can be replayed.
    this.#isHeld = true
    process.nextTick(() => {
      if (!this.#isSent && this.#owner.isWhole(chunk.length)) {
        this.#send(chunk)
        taken()
      } else this.#sendWithStream().write(chunk, taken)
    })
  }

  override _final(taken: () => void): void {
    if (this.#content !== undefined) return this.#content.end(taken)
    this.#send(undefined)
    taken()
  }

  override _read(): void {
    this.#isWanted = true
    this.#take()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#idle.stop()
    if (error !== null || !this.readableEnded || !this.writableFinished)
      this.#abort.abort(error ?? new UsageError('ERR_BODY_CANCELLED', 'the request was destroyed before its end'))
    this.#content?.abandon()
    callback(error)
    // After the errors of the request and its response, which take several turns.
    setImmediate(() => this.emit('close'))
  }

  /** Sends the fields alone: the caller has flushed them. */
  #sendFields(): void {
    if (!this.#isHeld && !this.#isSent) this.#sendWithStream()
  }

  #sendWithStream(): ContentHandoff {
    if (this.#content === undefined) {
      this.#content = new ContentHandoff()
      // A peer that refuses more content has sent a response.
      this.#content.onUnwanted = () => void this.read(0)
      if (!this.#isSent) this.#send(this.#content)
      else this.#content.abandon()
    }
    return this.#content
  }

  #send(body: Uint8Array | ContentHandoff | undefined): void {
    if (this.#isSent || this.destroyed) return
    this.#isSent = true
    const { method, url, headers } = this.#options
    // One shape for all requests.
    const options = {
      method,
      url,
      headers,
      body,
      redirect: 'manual',
      retry: false,
      keepDotSegments: true,
      signal: this.#abort.signal,
      onInformational: (status: number, fields: readonly string[]) => {
        this.#idle.touch()
        this.#owner.onInformational(status, fields)
      },
    }
    this.#client.request(options as RequestOptions).then(
      (response) => this.#answered(response),
      (error: unknown) => this.#fail(error),
    )
  }

  #answered(response: HttpResponse): void {
    if (this.destroyed) return response.discard()
    this.#idle.touch()
    this.#response = response
    this.session.socket.connection = response.connection
    response.onBroken((error) => this.#fail(error))
    this.#parts = response.body
    const list = fieldList(response.headers)
    const headers = Object.defineProperty(joinedFields(list), ':status', { value: response.status, enumerable: false })
    this.emit('response', headers, 0, list)
    this.#take()
  }

  #take(): void {
    if (!this.#isWanted || this.#parts === undefined || this.destroyed) return
    this.#isWanted = false
    const part = this.#response!.takePart()
    if (part !== undefined) return this.#push(part)
    this.#parts.next().then(
      (next) => this.#push(next),
      (error: unknown) => this.#fail(error),
    )
  }

  #push({ done, value }: IteratorResult<Uint8Array>): void {
    this.#idle.touch()
    if (done !== true) return void this.push(value)
    const trailers = fieldList(this.#response!.trailers!)
    if (trailers.length > 0) this.emit('trailers', joinedFields(trailers), 0, trailers)
    this.push(null)
  }

  #fail(error: unknown): void {
    if (this.destroyed) return
    const converted = toNodeError(error)
    if (this.#response === undefined) return void this.destroy(converted)
    this.emit('broken', abortedResponse(converted))
    this.destroy()
  }
}

/** The fields of a request without those that http2-wrapper adds for HTTP/2, and those that describe a connection. */
export function requestFields(headers: OutgoingHttpHeaders): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':')) continue
    // RFC 9112 §7.1: `chunked` is the framing of HTTP/1.1, which the connection chooses.
    if (name === 'transfer-encoding' && String(value).toLowerCase() === 'chunked') continue
    fields[name] = Array.isArray(value) ? value.map(String) : String(value)
  }
  return fields
}
