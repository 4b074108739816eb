/** The request bodies of Fetch (standard §5.2): what kind, with which type, and whether it can be sent again after a redirect. */

import { Readable } from 'node:stream'
import { type RequestBody, UsageError } from '@unshard/core'
import { expectErrors } from '@unshard/core/internal'
import { leaveUnread } from '../streams/part-iterator.js'
import { brandOf, isBlob, isObject } from './brands.js'
import { encodeForm } from './form-data.js'

/** A body as `init.body` may hold it, beyond the platform's own: Node streams and async iterables, as undici takes them. */
export type FetchBodyInit = NonNullable<RequestInit['body']> | NodeJS.ReadableStream | AsyncIterable<Uint8Array | string>

/** A body, ready to be opened for each attempt. */
export interface FetchBody {
  /** Streams are gone once they are sent. */
  readonly replayable: boolean
  /** The media type that it implies, where the client does not know better. */
  readonly type: string | undefined
  /** Octets, where that is known and the client cannot tell. */
  readonly length: number | undefined
  /** The content. */
  open(): RequestBody
  /** Nobody will read it. */
  cancel(reason: unknown): void
}

/**
 * Takes `init.body`.
 * @throws UsageError `ERR_INVALID_BODY` for a stream without `duplex: 'half'`, and for one that is used.
 */
export function extractBody(body: unknown, duplex: unknown): FetchBody {
  if (typeof body === 'string') return inMemory(body)
  // Fetch standard §5.2, "extract a body": a copy, because the caller's memory is the caller's.
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

/** Content that is there. */
export function inMemory(content: string | Uint8Array, type?: string): FetchBody {
  return { replayable: true, type, length: undefined, open: () => content, cancel: () => undefined }
}

/** Web IDL, "get a copy of the buffer source": of one that was transferred, nothing. */
function asBytes(view: ArrayBufferView): Uint8Array {
  // Not `view.byteLength`: a DataView throws there.
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

/** The platform's the client knows; of another copy of the class it is told what there is to know. */
function blobBody(blob: Blob): FetchBody {
  const known = (blob as object) instanceof Blob
  const body: RequestBody = known ? blob : { [Symbol.asyncIterator]: () => openStream(blob.stream()) }
  const type = blob.type === '' ? undefined : blob.type
  return { replayable: true, type, length: known ? undefined : blob.size, open: () => body, cancel: () => undefined }
}

function streamBody(body: object): FetchBody {
  // Fetch standard §5.2, "extract a body": what is left of it is not what the caller wrote.
  if (Readable.isDisturbed(body as Readable)) throw invalid('the stream that is to be sent was read from before')
  const own = body instanceof ReadableStream || Symbol.asyncIterator in body
  const opened = own ? (body as RequestBody) : { [Symbol.asyncIterator]: () => openStream(body as ReadableStream) }
  if ((body as ReadableStream).locked === true) throw invalid('the stream that is to be sent is locked')
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

/** A stream of another copy of the class, which may not be iterable. */
function openStream(stream: ReadableStream): AsyncIterator<Uint8Array> {
  const reader = stream.getReader()
  const end = async (reason?: unknown): Promise<IteratorResult<Uint8Array>> => {
    await reader.cancel(reason)
    return { done: true, value: undefined }
  }
  return { next: () => reader.read() as Promise<IteratorResult<Uint8Array>>, return: end }
}
