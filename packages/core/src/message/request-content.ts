/** The content of a request (RFC 9110 §6.4): bytes that are there, or a source that is opened when they are sent. */

import { Readable } from 'node:stream'
import type { UnshardCode } from '../errors/codes.js'
import { type Processed, UsageError } from '../errors/errors.js'
import { openerInContext } from './context.js'
import { RecordedSource } from './recorded-source.js'

/** What a caller may send. A stream or an iterable is read once, as it is sent; everything else can be sent again. */
export type RequestBody =
  | string
  | Uint8Array
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | URLSearchParams
  | ReadableStream<Uint8Array>
  | NodeJS.ReadableStream
  | AsyncIterable<Uint8Array | string>

/** Content, made ready. */
export interface Content {
  /** All of it; `undefined` where it comes from a source. */
  readonly bytes: Uint8Array | undefined
  /** Bytes, where that is known. */
  readonly length: number | undefined
  /** The media type that the kind of body implies, sent unless the caller names one. */
  readonly type: string | undefined
  /** Whether {@link open} may be called again: a replay needs it. */
  readonly replayable: boolean
  /** Opens the source. Only where `bytes` is `undefined`. */
  open(): AsyncIterator<Uint8Array | string>
  /** The request may be sent again: an attempt that ends leaves the source open until {@link release}. */
  hold?(): void
  /** The request is sent again: the attempt that is open reads no further, though it may still be sending. */
  rewind?(): void
  /** The source has come to its end. */
  ended?(): void
  /** The request is over, for `reason`. @param aborted the caller has ended it. */
  release?(reason: unknown, aborted: boolean): void
}

/**
 * Makes a body ready.
 * @throws UsageError `ERR_BODY_USED` for a stream that was read before, `ERR_INVALID_BODY` for what is no body.
 */
export function toContent(body: RequestBody): Content {
  if (typeof body === 'string') return inMemory(Buffer.from(body), 'text/plain;charset=UTF-8')
  if (body instanceof Uint8Array) return inMemory(body, undefined)
  if (ArrayBuffer.isView(body)) return inMemory(bytesOf(body.buffer, body), undefined)
  if (isArrayBuffer(body)) return inMemory(bytesOf(body, undefined), undefined)
  if (body instanceof URLSearchParams) return inMemory(Buffer.from(body.toString()), FORM_TYPE)
  if (body instanceof Blob) return fromBlob(body)
  if (body instanceof Readable) watch(body)
  if (isStream(body) && (Readable.isDisturbed(body as never) || (body instanceof ReadableStream && body.locked)))
    throw usedError()
  if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) {
    if (opened.has(body)) throw usedError()
    return once(body as AsyncIterable<Uint8Array>)
  }
  throw new UsageError('ERR_INVALID_BODY', `a body cannot be of type ${body === null ? 'null' : typeof body}`)
}

const FORM_TYPE = 'application/x-www-form-urlencoded;charset=UTF-8'

function isArrayBuffer(body: unknown): body is ArrayBuffer {
  return Object.prototype.toString.call(body) === '[object ArrayBuffer]'
}

/** Web IDL, "get a copy of the buffer source": of a buffer that was transferred, nothing. */
function bytesOf(buffer: ArrayBufferLike, view: ArrayBufferView | undefined): Uint8Array {
  if (buffer.byteLength === 0) return new Uint8Array(0)
  return view === undefined ? new Uint8Array(buffer) : new Uint8Array(buffer, view.byteOffset, view.byteLength)
}

function inMemory(bytes: Uint8Array, type: string | undefined): Content {
  return { bytes, length: bytes.length, type, replayable: true, open: unreachable }
}

function unreachable(): never {
  throw new UsageError('ERR_INVALID_BODY', 'content in memory has no source')
}

function fromBlob(blob: Blob): Content {
  const open = (): AsyncIterator<Uint8Array> => (blob.stream() as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  return { bytes: undefined, length: blob.size, type: blob.type === '' ? undefined : blob.type, replayable: true, open }
}

/**
 * Lets a source that is not read to its end clean up. Its answer to that is of no use, and must not stop the caller of this.
 * @param reason why it is left: a `ReadableStream` is cancelled with it, a Node stream destroyed.
 */
export function leave(source: AsyncIterator<unknown>, reason?: unknown): void {
  try {
    Promise.resolve(source.return?.(reason)).catch(() => undefined)
  } catch {
    // As above.
  }
}

/** Streams and generators that are being sent, or were: what one request has read another cannot send. */
const opened = new WeakSet<object>()

/** @throws UsageError `ERR_BODY_USED` for a source that can be read once, and is. */
function openOnce(source: AsyncIterable<Uint8Array | string>): AsyncIterator<Uint8Array | string> {
  if (opened.has(source)) throw usedError()
  const iterator = openSource(source)
  if (isStream(source) || (iterator as unknown) === source) opened.add(source)
  return iterator
}

/** Streams' own iterators hear of an end only after the next part, which may never come: these tell the stream at once. */
function openSource(source: AsyncIterable<Uint8Array | string>): AsyncIterator<Uint8Array | string> {
  if (source instanceof ReadableStream) {
    const reader = (source as ReadableStream<Uint8Array>).getReader()
    return {
      next: () => reader.read() as Promise<IteratorResult<Uint8Array>>,
      return: (reason) => reader.cancel(reason).then(() => END),
    }
  }
  const iterator = source[Symbol.asyncIterator]()
  if (!(source instanceof Readable)) return iterator
  const end = (reason?: unknown): Promise<typeof END> => {
    source.destroy(reason instanceof Error ? reason : undefined)
    return Promise.resolve(END)
  }
  return { next: () => iterator.next(), return: end }
}

/**
 * A stream may fail before it is opened, such as that of a file that is not there: its `error` would end the process. Its reader gets it.
 * @throws UsageError `ERR_BODY_USED` for a stream that has failed already.
 */
function watch(stream: Readable): void {
  expectErrors(stream)
  if (stream.errored === null) return
  throw new UsageError('ERR_BODY_USED', `the body is a stream that has failed: ${stream.errored.message}`, {
    cause: stream.errored,
  })
}

/** Keeps an `error` of a stream that nothing reads yet from ending the process. */
export function expectErrors(stream: Readable): void {
  if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore)
}

function ignore(): void {
  // The reader is told.
}

const END = { done: true, value: undefined } as const

function isStream(body: unknown): body is Readable | ReadableStream {
  return body instanceof ReadableStream || body instanceof Readable
}

function usedError(): UsageError {
  return new UsageError('ERR_BODY_USED', 'the body is a stream that was read from before, or that somebody else reads')
}

function once(source: AsyncIterable<Uint8Array | string>): Content {
  const open = openerInContext(openOnce)
  return new RecordedSource(() => open(source), isStream(source))
}

/** What was wrong with the content of a request that is under way: the server may have seen a part of it. */
export function wrongWhileSent({ code, message, cause }: UsageError, origin: string, processed: Processed): UsageError {
  return new UsageError(code as UnshardCode, message, { origin, processed, cause })
}
