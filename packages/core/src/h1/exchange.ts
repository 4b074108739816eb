/** One request over HTTP/1.1: undici's handler on one side, a response and its body on the other. Same surface as an HTTP/2 exchange. */

import type { Dispatcher } from 'undici'
import type { Exchange, ExchangeObserver } from '../connection.js'
import { ConnectionError, ResponseError, StreamError, UnshardError, UsageError } from '../errors.js'
import { type BodySource, ResponseBody } from '../message/body.js'
import { type Content, leave, wrongWhileSent } from '../message/content.js'
import type { HttpRequest } from '../message/request.js'

/** Octets that may wait for a reader before the socket is paused: HTTP/1.1 has no window. */
const BUFFER_BYTES = 131_072

/** What an exchange asks of its connection, and tells it. */
export interface H1Host {
  /** Fields for the proxy that forwards the request; `undefined` where the origin itself is asked. */
  readonly forwarding: readonly string[] | undefined
  /** Called once, when the connection is done with it, and knows whether it may take the next request. */
  released(exchange: H1Exchange): void
  /** The final response has begun. */
  answered(exchange: H1Exchange): void
  /** Its caller ends it, and the connection with it. */
  aborted(reason: unknown): void
  /** Whether what ended the connection is this request's own affair: that of the first one on the wire, and of none behind it. */
  blamed(): boolean
}

/** How a request is sent. */
export interface H1Sending {
  /** Others may be in flight with it. */
  readonly pipelined: boolean
  /** No other request follows on this connection. */
  readonly close: boolean
}

/** A handler as undici's older generation has them: raw fields, no object for each response. */
export class H1Exchange implements Exchange, BodySource {
  readonly #request: HttpRequest
  readonly #observer: ExchangeObserver
  readonly #host: H1Host
  readonly #sending: H1Sending
  #body: ResponseBody | undefined
  #resumeSocket: (() => void) | undefined
  #abortRequest: ((reason?: Error) => void) | undefined
  #contentFailure: { readonly cause: unknown } | undefined
  /** The source of the request's content, while it is being read. */
  #source: AsyncIterator<Uint8Array | string> | undefined
  #paused = false
  #informational = 0
  /** Its status says that there is no content. */
  #bodiless = false
  #settled = false
  /** Why it ended, for the source of its content. */
  #endReason: unknown
  #over = false
  trailers: readonly string[] | undefined
  sentBytes = 0

  constructor(request: HttpRequest, observer: ExchangeObserver, host: H1Host, sending: H1Sending) {
    this.#request = request
    this.#observer = observer
    this.#host = host
    this.#sending = sending
  }

  /** It is on the wire, or has been. */
  get written(): boolean {
    return this.#abortRequest !== undefined
  }

  /** No part of a final response has come. */
  get unanswered(): boolean {
    return this.#body === undefined
  }

  /** Its whole response is there, or none will come. */
  get over(): boolean {
    return this.#over
  }

  /** The request in undici's terms. Fields have been checked; `content-length` is among them. */
  dispatchOptions(): Dispatcher.DispatchOptions {
    const { method, path, authority, fields, content, origin } = this.#request
    const { forwarding } = this.#host
    const { pipelined, close } = this.#sending
    this.sentBytes = content?.bytes?.length ?? 0
    return {
      method: method as Dispatcher.HttpMethod,
      // RFC 9112 §3.2.2: to a proxy, "a client MUST send the target URI in absolute-form".
      path: forwarding === undefined ? path : origin.serialized + path,
      headers: ['host', authority, ...withOneCookie(fields), ...without(forwarding, fields)],
      body: content === undefined ? null : ((content.bytes ?? this.#read(content)) as Buffer),
      reset: close,
      // In undici's terms: it may be sent while others are unanswered, and holds none up.
      idempotent: pipelined,
      // HEAD is never blocking there: nothing would end that.
      blocking: !pipelined && method !== 'HEAD',
    }
  }

  /** HTTP/1.1 has no frame for it. */
  reprioritize(): boolean {
    return false
  }

  abort(reason: unknown): void {
    this.#settled = true
    this.#endReason = reason
    this.#body?.discard(reason)
    if (this.#over) return
    this.#host.aborted(reason)
    this.#abortRequest?.(new Error('aborted'))
  }

  cancel(reason: unknown): void {
    this.abort(reason)
  }

  consumed(): void {
    if (!this.#paused || this.#body!.buffered >= BUFFER_BYTES) return
    this.#paused = false
    this.#resumeSocket?.()
  }

  /** The connection ends for a reason of ours. */
  connectionLost(reason: Error): void {
    this.#fail(reason)
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.#abortRequest = abort
    if (this.#settled) abort(new Error('aborted'))
  }

  onHeaders(status: number, rawHeaders: readonly Buffer[], resume: () => void, reason: string): boolean {
    const refusal = this.#refusalOf(status, rawHeaders.length / 2)
    if (refusal !== undefined) {
      this.#abortRequest!(refusal)
      return false
    }
    if (status < 200) {
      this.#observer.onInformational(status, toFields(rawHeaders))
      return true
    }
    this.#resumeSocket = resume
    this.#host.answered(this)
    const fields = toFields(rawHeaders)
    this.#bodiless = status === 204 || status === 304
    this.#body = new ResponseBody(this, this.#bodiless ? -1 : expectedBytes(fields))
    this.#observer.onResponse(status, fields, this.#body, reason)
    return true
  }

  /** The bounds that HTTP/2 has, and RFC 9110 §15.2.2: nobody asked for another protocol. */
  #refusalOf(status: number, fields: number): ResponseError | undefined {
    const origin = this.#request.origin.serialized
    if (status === 101)
      return new ResponseError('ERR_MALFORMED_RESPONSE', `status 101, which nobody asked for (${origin})`, { origin })
    if (fields > MAX_FIELDS)
      return new ResponseError('ERR_RESPONSE_TOO_LARGE', `over ${MAX_FIELDS} fields (${origin})`, { origin })
    if (status >= 200 || ++this.#informational <= MAX_INFORMATIONAL) return undefined
    return new ResponseError('ERR_RESPONSE_TOO_LARGE', `over ${MAX_INFORMATIONAL} interim responses (${origin})`, { origin })
  }

  onData(chunk: Buffer): boolean {
    // A parser that goes on after a pause may say so with a part that is empty.
    if (chunk.length > 0) this.#body!.push(chunk)
    this.#paused = this.#body!.buffered >= BUFFER_BYTES
    return !this.#paused
  }

  onComplete(rawTrailers: readonly Buffer[] | null): void {
    this.#settled = true
    this.trailers = toFields(rawTrailers ?? [])
    // First: the place is free before a reader can go on.
    this.#finish()
    this.#body!.end()
  }

  onError(error: Error): void {
    // RFC 9110 §8.6: with 304, and by many servers with 204, content-length is that of another response. undici waits for it here too, and gives up the socket.
    if (this.#bodiless && codeOf(error) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return this.onComplete(null)
    // Asked whether it is settled or not: who comes next is behind it.
    const blamed = this.written && this.#host.blamed()
    this.#fail(blamed ? this.#errorOf(error) : this.#unblamedErrorOf(error))
    this.#finish()
  }

  async *#read(content: Content): AsyncGenerator<Uint8Array> {
    try {
      this.#source = content.open()
      for await (const part of { [Symbol.asyncIterator]: () => this.#source! }) {
        const bytes = toBytes(part)
        this.sentBytes += bytes.length
        yield bytes
      }
    } catch (cause) {
      this.#contentFailure = { cause }
      // undici takes a failure that gives no reason for none, and its request would never be over.
      throw cause || new Error('the source gave no reason')
    } finally {
      this.#source = undefined
    }
  }

  #fail(error: Error): void {
    if (this.#settled) return
    this.#settled = true
    this.#endReason = error
    if (this.#body === undefined) this.#observer.onError(error)
    else this.#body.fail(error)
  }

  /** undici destroys a socket that is used up only after it has said so: a microtask later it is known whether this one is. */
  #finish(): void {
    if (this.#over) return
    this.#over = true
    // undici leaves a source only after its next part, which may never come.
    if (this.#source !== undefined) leave(this.#source, this.#endReason)
    queueMicrotask(() => {
      this.#host.released(this)
      this.#observer.onClosed()
    })
  }

  /** What became of a connection is no error of a request that was never written, or stood behind another (RFC 9112 §9.3.2). */
  #unblamedErrorOf(cause: Error): Error {
    const origin = this.#request.origin.serialized
    const details = { origin, cause, initiator: 'peer' } as const
    if (this.written) {
      const message = `the connection was lost while others were to be answered first (${origin})`
      return new ConnectionError('ERR_PIPELINE_LOST', message, details)
    }
    if (cause instanceof UnshardError || KINDS.get(codeOf(cause)) === 'usage') return this.#errorOf(cause)
    return new ConnectionError('ERR_CONNECTION_LOST', `${cause.message} (${origin})`, { ...details, processed: 'no' })
  }

  /** undici's errors in our terms. What a caller may do about it decides the class. */
  #errorOf(cause: Error): Error {
    if (cause instanceof UnshardError) return cause
    const origin = this.#request.origin.serialized
    const processed = this.#body === undefined ? 'unknown' : 'yes'
    const failure = this.#contentFailure
    if (failure?.cause instanceof UsageError) return wrongWhileSent(failure.cause, origin, processed)
    if (failure !== undefined) {
      const details = { origin, initiator: 'local', cause: failure.cause, processed } as const
      return new StreamError('ERR_REQUEST_BODY', `the body of the request failed: ${cause.message}`, details)
    }
    const kind = KINDS.get(codeOf(cause))
    const message = `${cause.message} (${origin})`
    if (kind === 'usage') return new UsageError('ERR_UNSUPPORTED_OVER_HTTP1', message, { origin, cause })
    if (kind === 'length') return new UsageError('ERR_CONTENT_LENGTH', message, { origin, cause, processed })
    // What undici says of a 101 that it did not ask for, where it says so before we do.
    if (cause.message === 'bad upgrade') return new ResponseError('ERR_MALFORMED_RESPONSE', message, { origin, cause })
    if (kind !== undefined) return new ResponseError(kind, message, { origin, cause })
    return new ConnectionError('ERR_CONNECTION_LOST', message, { origin, cause, initiator: 'peer', processed })
  }
}

/** A parser's error has a name, and not always a code. */
function codeOf(cause: Error): string {
  return cause.name === 'HTTPParserError' ? cause.name : String((cause as NodeJS.ErrnoException).code)
}

/** Fields of one section, and interim responses of one request: as many as HTTP/2 takes. */
const MAX_FIELDS = 1_000
const MAX_INFORMATIONAL = 16

/** What undici's codes mean here. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['UND_ERR_INVALID_ARG', 'usage'],
  ['UND_ERR_NOT_SUPPORTED', 'usage'],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'length'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'ERR_MALFORMED_RESPONSE'],
  ['UND_ERR_HEADERS_OVERFLOW', 'ERR_RESPONSE_TOO_LARGE'],
  ['HTTPParserError', 'ERR_MALFORMED_RESPONSE'],
])

/** @throws UsageError `ERR_INVALID_BODY`: what a source yields is the caller's. */
function toBytes(part: unknown): Uint8Array {
  if (typeof part === 'string') return Buffer.from(part)
  if (part instanceof Uint8Array) return part
  const kind = part === null ? 'null' : `a ${typeof part}`
  throw new UsageError('ERR_INVALID_BODY', `the body yielded ${kind}, not bytes or text`)
}

/** RFC 6265 §5.4: over HTTP/1.1 cookies are one field; HTTP/2 may have several (RFC 9113 §8.2.3). */
function withOneCookie(fields: readonly string[]): readonly string[] {
  const cookies = fields.filter((_, i) => i % 2 === 1 && fields[i - 1] === 'cookie')
  if (cookies.length < 2) return fields
  const others = fields.filter((_, i) => fields[i - (i % 2)] !== 'cookie')
  return [...others, 'cookie', cookies.join('; ')]
}

/** What the caller has said to the proxy in the request itself is not said again. */
function without(forwarding: readonly string[] | undefined, fields: readonly string[]): readonly string[] {
  if (forwarding === undefined) return []
  return forwarding.filter((_, i) => !fields.includes(forwarding[i - (i % 2)]!))
}

function toFields(raw: readonly Buffer[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    fields.push(raw[i]!.toString('latin1').toLowerCase(), raw[i + 1]!.toString('latin1'))
  }
  return fields
}

/** The content's length where it is framed by that (RFC 9112 §6.3): the parser has held the field to its syntax, and ends the content there. */
function expectedBytes(fields: readonly string[]): number {
  let length = -1
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === 'transfer-encoding') return -1
    if (fields[i] === 'content-length') length = Number(fields[i + 1])
  }
  return Number.isSafeInteger(length) ? length : -1
}
