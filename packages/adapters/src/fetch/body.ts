/**
 * Request bodies of Fetch (standard §5.2): their kind, their type, and whether they can be sent
 * again after a redirect.
 */

import { Readable } from 'node:stream'
import { type RequestBody, UsageError } from '@unshard/core'
import { encodeForm, expectErrors, isDisturbed } from '@unshard/core/internal'
import { leaveUnread } from '../streams/part-iterator.js'
import { brandOf, isBlob, isObject } from './brands.js'

/** Values of `init.body` beyond the platform's: Node streams and async iterables, as in undici. */
export type FetchBodyInit = NonNullable<RequestInit['body']> | NodeJS.ReadableStream | AsyncIterable<Uint8Array | string>

/** A body that can be opened for each attempt. */
export interface FetchBody {
  /** False for streams, which are consumed when they are sent. */
  readonly replayable: boolean
  /** Media type that the body implies, if the client cannot tell. */
  readonly type: string | undefined
  /** Length in bytes, if known and the client cannot tell. */
  readonly length: number | undefined
  /** Opens the content. */
  open(): RequestBody
  /** Releases the body: it will not be read. */
  cancel(reason: unknown): void
}

/**
 * Converts `init.body`.
 * @throws UsageError `ERR_INVALID_BODY` for a stream without `duplex: 'half'`, and for a used one.
 */
export function extractBody(body: unknown, duplex: unknown): FetchBody {
  if (typeof body === 'string') return inMemory(body)
  // Fetch standard §5.2, "extract a body": copy the bytes, because the caller may change them.
  if (ArrayBuffer.isView(body)) return inMemory(new Uint8Array(asBytes(body)))
  if (!isObject(body)) return inMemory(String(body))
  const brand = brandOf(body)
  if (brand === 'ArrayBuffer') return inMemory(copyOf(body as ArrayBuffer))
  if (brand === 'FormData') return formBody(body as FormData)
  if (brand === 'URLSearchParams') return inMemory(String(body), 'application/x-www-form-urlencoded;charset=UTF-8')
  if (isBlob(body)) return blobBody(body)
  if (brand === 'ReadableStream' || Symbol.asyncIterator in body) {
    if (duplex !== 'half') throw invalid("a stream as body needs duplex: 'half'")
    return streamBody(body)
  }
  return inMemory(String(body))
}

/** Creates a body from content in memory. */
export function inMemory(content: string | Uint8Array, type?: string): FetchBody {
  return { replayable: true, type, length: undefined, open: () => content, cancel: () => undefined }
}

/** Web IDL, "get a copy of the buffer source": a transferred buffer is empty. */
function asBytes(view: ArrayBufferView): Uint8Array {
  // Not `view.byteLength`: a DataView throws on a detached buffer.
  return view.buffer.byteLength === 0 ? EMPTY : new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

function copyOf(buffer: ArrayBuffer): Uint8Array {
  return buffer.byteLength === 0 ? EMPTY : new Uint8Array(buffer.slice(0))
}

const EMPTY = new Uint8Array(0)

function formBody(form: FormData): FetchBody {
  const { body, type, length } = encodeForm(form)
  return { replayable: true, type, length, open: () => body, cancel: () => undefined }
}

/**
 * The client knows the platform's `Blob`; for another copy of the class, pass type and length
 * along.
 */
function blobBody(blob: Blob): FetchBody {
  const known = (blob as object) instanceof Blob
  const body: RequestBody = known ? blob : { [Symbol.asyncIterator]: () => openStream(blob.stream()) }
  const type = blob.type === '' ? undefined : blob.type
  return { replayable: true, type, length: known ? undefined : blob.size, open: () => body, cancel: () => undefined }
}

function streamBody(body: object): FetchBody {
  // Fetch standard §5.2, "extract a body": the unread rest of a stream is not the content the
  // caller wrote.
  if (isDisturbed(body)) throw invalid('the request body is a stream that has already been read')
  const own = body instanceof ReadableStream || Symbol.asyncIterator in body
  const opened = own ? (body as RequestBody) : { [Symbol.asyncIterator]: () => openStream(body as ReadableStream) }
  if ((body as ReadableStream).locked === true) throw invalid('the request body is a stream that is locked')
  if (body instanceof Readable) expectErrors(body)
  return {
    replayable: false,
    type: undefined,
    length: undefined,
    open: () => opened,
    cancel: (reason) => leaveUnread(body, reason),
  }
}

function invalid(message: string): UsageError {
  return new UsageError('ERR_INVALID_BODY', message)
}

/** Opens a stream of another copy of the class, which may not be iterable. */
function openStream(stream: ReadableStream): AsyncIterator<Uint8Array> {
  const reader = stream.getReader()
  const end = async (reason?: unknown): Promise<IteratorResult<Uint8Array>> => {
    await reader.cancel(reason)
    return { done: true, value: undefined }
  }
  return { next: () => reader.read() as Promise<IteratorResult<Uint8Array>>, return: end }
}
