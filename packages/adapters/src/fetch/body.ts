/** The request bodies of Fetch (standard §5.2): what kind, with which type, and whether it can be sent again after a redirect. */

import type { RequestBody } from '@unshard/core'

/** A body as `init.body` may hold it, beyond the platform's own: async iterables, as undici takes them. */
export type FetchBodyInit = NonNullable<RequestInit['body']> | AsyncIterable<Uint8Array | string>

/** A body, ready to be opened for each attempt. */
export interface FetchBody {
  /** Streams are gone once they are sent. */
  readonly replayable: boolean
  /** Opens it: the content, and its media type where that depends on the opening. */
  open(): { body: RequestBody; type: string | undefined }
}

/**
 * Takes `init.body`.
 * @throws TypeError for a stream without `duplex: 'half'`, and for one that is used.
 */
export function extractBody(body: FetchBodyInit, duplex: unknown): FetchBody {
  if (body instanceof FormData) return { replayable: true, open: () => openForm(body) }
  if (isStreaming(body)) {
    if (duplex !== 'half') throw new TypeError("a stream as body needs duplex: 'half'")
    return { replayable: false, open: () => ({ body: body as RequestBody, type: undefined }) }
  }
  const content = isContent(body) ? (body as RequestBody) : String(body)
  return { replayable: true, open: () => ({ body: content, type: undefined }) }
}

/** The platform writes multipart/form-data; a new boundary each time. */
function openForm(form: FormData): { body: RequestBody; type: string | undefined } {
  const response = new Response(form)
  return { body: response.body as RequestBody, type: response.headers.get('content-type') ?? undefined }
}

function isStreaming(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || body instanceof Blob) return false
  return body instanceof ReadableStream || Symbol.asyncIterator in body
}

function isContent(body: unknown): boolean {
  return (
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof Blob ||
    ArrayBuffer.isView(body) ||
    Object.prototype.toString.call(body) === '[object ArrayBuffer]'
  )
}
