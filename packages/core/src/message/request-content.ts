/**
 * The content of a request (RFC 9110 §6.4): bytes in memory, or a source that is opened when it is
 * sent.
 */

import { Readable } from 'node:stream'
import type { UnshardCode } from '../errors/codes.js'
import { type Processed, UsageError } from '../errors/errors.js'
import { isDisturbed } from '../runtime/disturbed.js'
import { openerInContext } from './context.js'
import { RecordedSource } from './recorded-source.js'

/**
 * Body of a request. A stream or an iterable can be sent only once; all other kinds can be sent
 * again.
 */
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

/** Content that is ready to be sent. */
export interface Content {
  /** The whole content; `undefined` if it comes from a source. */
  readonly bytes: Uint8Array | undefined
  /** Length in bytes, if known. */
  readonly length: number | undefined
  /** Media type implied by the kind of body; sent unless the caller sets one. */
  readonly type: string | undefined
  /** Whether {@link open} may be called again, as a replay requires. */
  readonly replayable: boolean
  /** Opens the source. Call only if `bytes` is `undefined`. */
  open(): AsyncIterator<Uint8Array | string>
  /**
   * Keeps the source open after an attempt ends, until {@link release} is called as often: the request may be sent
   * again.
   */
  hold?(): void
  /** Prepares another attempt. The current one reads no further, though it may still be sending. */
  rewind?(): void
  /** Called when the source has ended. */
  ended?(): void
  /**
   * Releases the source: the request is over, for `reason`.
   * @param aborted whether the caller aborted it.
   */
  release?(reason: unknown, aborted: boolean): void
}

/**
 * Prepares a body for sending.
 * @throws UsageError `ERR_BODY_USED` for a used stream, `ERR_INVALID_BODY` for an invalid body.
 */
export function toContent(body: RequestBody): Content {
  if (typeof body === 'string') return inMemory(Buffer.from(body), 'text/plain;charset=UTF-8')
  if (body instanceof Uint8Array) return inMemory(body, undefined)
  if (ArrayBuffer.isView(body)) return inMemory(bytesOf(body.buffer, body), undefined)
  if (isArrayBuffer(body)) return inMemory(bytesOf(body, undefined), undefined)
  if (body instanceof URLSearchParams) return inMemory(Buffer.from(body.toString()), FORM_TYPE)
  if (body instanceof Blob) return fromBlob(body)
  if (body instanceof RecordedSource) return body
  if (body instanceof Readable) watch(body)
  if (isStream(body) && (isDisturbed(body) || (body instanceof ReadableStream && body.locked))) throw usedError()
  if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) {
    if (opened.has(body)) throw usedError()
    return once(body as AsyncIterable<Uint8Array>)
  }
  throw new UsageError('ERR_INVALID_BODY', `a body must not be of type ${body === null ? 'null' : typeof body}`)
}

/** Whether a body can be sent only once: a stream or an iterable. */
export function isSentOnce(body: RequestBody | null | undefined): boolean {
  if (typeof body !== 'object' || body === null || ArrayBuffer.isView(body) || isArrayBuffer(body)) return false
  return !(body instanceof URLSearchParams || body instanceof Blob)
}

/** Returns a body that can be sent once as one whose first bytes are kept; `undefined` for other bodies. */
export function recordedBody(body: RequestBody | null | undefined): RecordedSource | undefined {
  const content = isSentOnce(body) ? toContent(body!) : undefined
  return content instanceof RecordedSource ? content : undefined
}

const FORM_TYPE = 'application/x-www-form-urlencoded;charset=UTF-8'

function isArrayBuffer(body: unknown): body is ArrayBuffer {
  return Object.prototype.toString.call(body) === '[object ArrayBuffer]'
}

/** Web IDL, "get a copy of the buffer source": a transferred buffer is empty. */
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
 * Closes a source that was not read to its end. Errors of its cleanup are ignored.
 * @param reason passed to `cancel` of a `ReadableStream` or `destroy` of a Node stream.
 */
export function leave(source: AsyncIterator<unknown>, reason?: unknown): void {
  try {
    Promise.resolve(source.return?.(reason)).catch(() => undefined)
  } catch {
    // Ignore errors of the source's cleanup.
  }
}

/** Streams and generators that a request has read: another request cannot send them. */
const opened = new WeakSet<object>()

/**
 * Opens a source that can be read once.
 * @throws UsageError `ERR_BODY_USED` if it is used already.
 */
function openOnce(source: AsyncIterable<Uint8Array | string>): AsyncIterator<Uint8Array | string> {
  if (opened.has(source)) throw usedError()
  const iterator = openSource(source)
  if (isStream(source) || (iterator as unknown) === source) opened.add(source)
  return iterator
}

/**
 * Opens an iterator whose `return` closes the stream at once: the built-in ones first wait for the
 * next part, which may never come.
 */
export function openSource(source: AsyncIterable<Uint8Array | string>): AsyncIterator<Uint8Array | string> {
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
 * Watches a stream that may fail before it is opened, e.g. for a missing file: an unhandled `error`
 * event would end the process. The reader still gets the error.
 * @throws UsageError `ERR_BODY_USED` if the stream has already failed.
 */
function watch(stream: Readable): void {
  expectErrors(stream)
  if (stream.errored === null) return
  throw new UsageError('ERR_BODY_USED', `the request body is a stream that has failed: ${stream.errored.message}`, {
    cause: stream.errored,
  })
}

/** Keeps an `error` event of an unread stream from ending the process. */
export function expectErrors(stream: Readable): void {
  if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore)
}

function ignore(): void {
  // The reader gets the error.
}

const END = { done: true, value: undefined } as const

function isStream(body: unknown): body is Readable | ReadableStream {
  return body instanceof ReadableStream || body instanceof Readable
}

function usedError(): UsageError {
  return new UsageError('ERR_BODY_USED', 'the request body is a stream that has already been read or is locked')
}

function once(source: AsyncIterable<Uint8Array | string>): Content {
  const open = openerInContext(openOnce)
  return new RecordedSource(() => open(source), isStream(source))
}

/**
 * The error for invalid content of a request in flight: the server may have received a part of it.
 */
export function wrongWhileSent({ code, message, cause }: UsageError, origin: string, processed: Processed): UsageError {
  return new UsageError(code as UnshardCode, message, { origin, processed, cause })
}
