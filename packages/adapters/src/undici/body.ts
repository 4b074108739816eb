/** Converts undici's request bodies for the client. */

import { Readable } from 'node:stream'
import type { RequestBody } from '@unshard/core'
import { encodeForm } from '@unshard/core/internal'
import { iteratorOf, type PartIterator } from '../streams/part-iterator.js'
import { invalidArgument } from './errors.js'

/** Content and the media type that its kind implies. */
export interface DispatchBody {
  readonly body: RequestBody | undefined
  readonly type: string | undefined
  /** Length in bytes, if the body does not know it itself. */
  readonly length?: number | undefined
}

/** Notified of content as it is sent. */
export interface SentListener {
  onBodySent?(chunk: Uint8Array): void
  /** All content has been sent. */
  onContentSent(): void
}

const NOTHING: DispatchBody = { body: undefined, type: undefined }

/** @throws DispatchError `UND_ERR_INVALID_ARG` if `body` is not a valid body. */
export function toDispatchBody(body: unknown): DispatchBody {
  if (body === undefined || body === null) return NOTHING
  if (typeof body === 'string') return body === '' ? NOTHING : bytes(Buffer.from(body))
  if (ArrayBuffer.isView(body)) return body.buffer.byteLength === 0 ? NOTHING : bytes(asBytes(body))
  if (Object.prototype.toString.call(body) === '[object ArrayBuffer]') {
    return (body as ArrayBuffer).byteLength === 0 ? NOTHING : bytes(new Uint8Array(body as ArrayBuffer))
  }
  if (isForm(body)) return encodeForm(body)
  if (isBlob(body)) return { body: body as Blob, type: body.type === '' ? undefined : body.type }
  if (typeof body === 'object' && (Symbol.asyncIterator in body || Symbol.iterator in body)) {
    return { body: asAsync(body as Iterable<Uint8Array>), type: undefined }
  }
  // A stream of another library, without an iterator.
  if (typeof (body as NodeJS.ReadableStream).pipe === 'function') {
    return { body: new Readable().wrap(body as NodeJS.ReadableStream), type: undefined }
  }
  throw invalidArgument('body must be a string, a Buffer, a Readable stream, an iterable, or an async iterable')
}

function asBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function bytes(body: Uint8Array): DispatchBody {
  return body.length === 0 ? NOTHING : { body, type: undefined }
}

function asAsync(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): RequestBody {
  return Symbol.asyncIterator in source ? source : { [Symbol.asyncIterator]: () => iteratorOf(source) }
}

/** Reports content that is read while it is sent; the sender reports content in memory. */
export function watched(body: RequestBody, listener: SentListener): RequestBody {
  return { [Symbol.asyncIterator]: () => watchedIterator(iteratorOf(body as AsyncIterable<Uint8Array>), listener) }
}

function watchedIterator(iterator: PartIterator, listener: SentListener): PartIterator {
  return {
    async next() {
      const result = await iterator.next()
      if (result.done === true) listener.onContentSent()
      else listener.onBodySent?.(typeof result.value === 'string' ? Buffer.from(result.value) : result.value)
      return result
    },
    return: () => Promise.resolve(iterator.return?.()).then(() => ({ done: true, value: undefined })),
  }
}

/** Detected by its methods: undici's classes are not the platform's. */
function isForm(body: unknown): body is FormData {
  const { append, delete: remove, getAll } = body as Partial<FormData>
  return [append, remove, getAll].every((method) => typeof method === 'function') && !(body instanceof URLSearchParams)
}

function isBlob(body: unknown): body is Blob {
  return body instanceof Blob || (tagOf(body) === 'Blob' && typeof (body as Blob).stream === 'function') || tagOf(body) === 'File'
}

function tagOf(body: unknown): unknown {
  return (body as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]
}
