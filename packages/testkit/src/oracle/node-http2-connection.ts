// A `Connection` like the product's on Node's own HTTP/2 client: an oracle for the contract suite,
// not an engine for use. Deliberately simple and independent: it takes only the interface and the
// error classes from core, everything else is passed in.
import http2, { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import {
  type Connection,
  ConnectionError,
  type ConnectionState,
  type Exchange,
  type ExchangeObserver,
  type HttpRequest,
  type Route,
  StreamError,
  TimeoutError,
} from '@unshard/core'

/** Core's response body, named through the interface that passes it. */
export type Body = Parameters<ExchangeObserver['onResponse']>[2]

/** The engine's side of a body. */
export interface BodySource {
  consumed(bytes: number): void
  cancel(reason: unknown): void
}

export interface OracleParts {
  readonly id: number
  /** Creates core's response body, whose class is not exported. */
  createBody(source: BodySource): Body
}

/**
 * Maximum number of bytes that wait for a reader before the stream is paused; Node then stops
 * sending WINDOW_UPDATE.
 */
const BUFFER_BYTES = 65_536
/** RFC 9113 §6.5.2: the value a client may assume before SETTINGS. */
const ASSUMED_STREAMS = 100

export class NodeHttp2Connection implements Connection {
  readonly id: number
  readonly protocol = 'h2'
  readonly route: Route
  readonly originSet: undefined
  confirmed = false
  onChange: (() => void) | undefined
  /** Resolves when the server's SETTINGS have arrived. */
  readonly ready: Promise<void>
  readonly #session: ClientHttp2Session
  readonly #parts: OracleParts
  readonly closed: Promise<void>
  readonly #exchanges = new Set<OracleExchange>()
  #state: ConnectionState = 'open'

  constructor(socket: Socket, route: Route, parts: OracleParts) {
    this.id = parts.id
    this.route = route
    this.#parts = parts
    const session = http2.connect(route.origin.serialized, { createConnection: () => socket })
    this.#session = session
    this.ready = new Promise((resolve) => session.once('remoteSettings', () => resolve()))
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    session.once('connect', () => keepHandle(session))
    session.on('remoteSettings', () => {
      this.confirmed = true
      this.onChange?.()
    })
    session.on('goaway', () => this.#enter('draining'))
    session.on('error', () => this.#lost(this.#lostError()))
    session.on('close', () => this.#lost(this.#lostError()))
  }

  readonly verifying = false

  removeOrigin(): void {
    // The oracle's Origin Set is Node's own.
  }

  verify(): boolean {
    return true
  }

  get state(): ConnectionState {
    return this.#state
  }

  get capacity(): number {
    if (this.#state !== 'open') return 0
    const limit = this.#session.remoteSettings?.maxConcurrentStreams ?? ASSUMED_STREAMS
    return Math.max(0, limit - this.#exchanges.size)
  }

  get active(): number {
    return this.#exchanges.size
  }

  request(request: HttpRequest, observer: ExchangeObserver): Exchange {
    const exchange: OracleExchange = new OracleExchange(this.#session, request, observer, this.#parts, () => {
      this.#exchanges.delete(exchange)
      observer.onClosed()
      this.onChange?.()
    })
    this.#exchanges.add(exchange)
    return exchange
  }

  ping(timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new TimeoutError('body', timeoutMs)), timeoutMs)
      const refused = (): void => {
        clearTimeout(timer)
        reject(this.#lostError())
      }
      if (this.#session.destroyed) return refused()
      this.#session.ping((error, roundTripMs) => {
        if (error !== null) return refused()
        clearTimeout(timer)
        resolve(roundTripMs)
      })
    })
  }

  close(): Promise<void> {
    if (this.#state === 'open') {
      this.#session.close()
      this.#enter('draining')
    }
    return this.closed
  }

  destroy(reason: Error): void {
    this.#lost(reason)
    this.#session.destroy()
  }

  #enter(state: ConnectionState): void {
    if (this.#state === state || this.#state === 'closed') return
    this.#state = state
    this.onChange?.()
  }

  #lost(reason: Error): void {
    for (const exchange of this.#exchanges) exchange.lost(reason)
    this.#enter('closed')
  }

  #lostError(): ConnectionError {
    return new ConnectionError('ERR_CONNECTION_LOST', 'the connection was closed', { initiator: 'peer' })
  }
}

/**
 * Node aborts the process when it collects the native half of a session whose peer was broken
 * ("Assertion failed: (current_nghttp2_memory_) == (0)", seen on Node 20). Keep them all alive by
 * attaching them to Node's own module, which outlives the environment of a test.
 */
function keepHandle(session: ClientHttp2Session): void {
  const keeper = http2 as unknown as Record<symbol, unknown[] | undefined>
  const kept = keeper[KEPT] ?? []
  keeper[KEPT] = kept
  for (const name of Object.getOwnPropertySymbols(session)) {
    if (name.description === 'kHandle') kept.push((session as unknown as Record<symbol, unknown>)[name])
  }
}

const KEPT = Symbol.for('unshard: native halves of sessions')

class OracleExchange implements Exchange, BodySource {
  readonly #request: HttpRequest
  readonly #observer: ExchangeObserver
  readonly #parts: OracleParts
  readonly #stream: ClientHttp2Stream
  #body: Body | undefined
  #settled = false
  trailers: readonly string[] | undefined
  sentBytes = 0

  constructor(
    session: ClientHttp2Session,
    request: HttpRequest,
    observer: ExchangeObserver,
    parts: OracleParts,
    release: () => void,
  ) {
    this.#request = request
    this.#observer = observer
    this.#parts = parts
    const { content, trailers } = request
    const options = { endStream: content === undefined, waitForTrailers: trailers !== undefined }
    const stream = session.request(headersOf(request), options)
    this.#stream = stream
    stream.on('headers', (headers: IncomingHttpHeaders, _flags: number, raw: string[]) =>
      observer.onInformational(Number(headers[':status']), toFields(raw)),
    )
    stream.on('response', (headers: IncomingHttpHeaders, _flags: number, raw: string[]) => this.#respond(headers, raw))
    stream.on('trailers', (_headers: IncomingHttpHeaders, _flags: number, raw: string[]) => {
      this.trailers = toFields(raw)
    })
    stream.on('end', () => this.#end())
    stream.on('error', () => undefined)
    stream.on('close', () => {
      this.#fail(this.#resetError())
      release()
    })
    stream.on('wantTrailers', () => stream.sendTrailers(Object.fromEntries(trailers!() as Iterable<[string, string]>)))
    if (content !== undefined) this.#pump().catch((error: unknown) => this.#contentFailed(error))
  }

  /** node:http2 cannot send unknown frames. */
  reprioritize(): boolean {
    return false
  }

  abort(reason: unknown): void {
    this.#settled = true
    this.#body?.discard(reason)
    this.#reset()
  }

  cancel(reason: unknown): void {
    this.abort(reason)
  }

  consumed(): void {
    if (this.#body!.buffered < BUFFER_BYTES) this.#stream.resume()
  }

  lost(reason: Error): void {
    this.#fail(reason)
    this.#stream.destroy()
  }

  #respond(headers: IncomingHttpHeaders, raw: readonly string[]): void {
    const body = this.#parts.createBody(this)
    this.#body = body
    this.#stream.on('data', (part: Buffer) => {
      body.push(part)
      if (body.buffered >= BUFFER_BYTES) this.#stream.pause()
    })
    if (!this.#settled) this.#observer.onResponse(Number(headers[':status']), toFields(raw), body)
  }

  #end(): void {
    // A stream that was reset has no regular end.
    if (this.#settled || this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR) return
    this.#settled = true
    this.trailers ??= []
    this.#body?.end()
  }

  #fail(error: Error): void {
    if (this.#settled) return
    this.#settled = true
    if (this.#body === undefined) this.#observer.onError(error)
    else this.#body.fail(error)
  }

  #contentFailed(cause: unknown): void {
    const message = 'the body of the request failed'
    this.#fail(new StreamError('ERR_REQUEST_BODY', message, { initiator: 'local', cause }))
    this.#reset()
  }

  #reset(): void {
    if (this.#stream.destroyed) return
    this.#stream.close(constants.NGHTTP2_CANCEL)
    this.#stream.destroy()
  }

  #resetError(): StreamError {
    const errorCode = this.#stream.rstCode
    const processed = this.#body === undefined ? 'unknown' : 'yes'
    return new StreamError('ERR_STREAM_RESET', `the stream was reset: ${errorCode}`, { initiator: 'peer', errorCode, processed })
  }

  async #pump(): Promise<void> {
    const content = this.#request.content!
    const stream = this.#stream
    if (content.bytes !== undefined) {
      this.sentBytes = content.bytes.length
      stream.end(content.bytes)
      return
    }
    for await (const part of { [Symbol.asyncIterator]: () => content.open() }) {
      if (stream.destroyed) return
      this.sentBytes += Buffer.byteLength(part)
      if (!stream.write(part)) await writable(stream)
    }
    stream.end()
  }
}

function writable(stream: ClientHttp2Stream): Promise<void> {
  if (stream.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}

function headersOf({ method, scheme, authority, path, fields }: HttpRequest): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {
    ':method': method,
    ':scheme': scheme,
    ':authority': authority,
    ':path': path,
  }
  for (let i = 0; i < fields.length; i += 2) {
    const before = headers[fields[i]!]
    headers[fields[i]!] = before === undefined ? fields[i + 1]! : [before, fields[i + 1]!].flat()
  }
  return headers
}

/** Node passes the flat list as its last argument, pseudo-fields included. */
function toFields(raw: readonly string[]): string[] {
  const fields: string[] = []
  for (let i = 0; i < raw.length; i += 2) if (!raw[i]!.startsWith(':')) fields.push(raw[i]!, raw[i + 1]!)
  return fields
}
