/** A response from any source: `fetch`, ours or foreign, or `client.request`. */

import { HttpResponse, UsageError } from '@unshard/core'
import { printable, shownValue } from '@unshard/core/internal'

/** Responses that `readEvents` and `multipart` accept. */
export type AnyResponse = Response | HttpResponse

/** Reads the content of a response part by part. */
export interface ContentReader {
  /** Resolves with the next part; `undefined` at the end. */
  next(): Promise<Uint8Array | undefined>
  /** Ends the response. */
  leave(reason?: unknown): Promise<void>
}

/** @throws UsageError `ERR_INVALID_BODY` if `response` is not a response. */
export function checkResponse(response: AnyResponse, taker: string): void {
  const { status, headers } = (response ?? {}) as Partial<Response>
  if (typeof status === 'number' && typeof headers?.get === 'function') return
  const what = `${taker} requires a response of fetch or client.request, not ${shownValue(response)}`
  throw new UsageError('ERR_INVALID_BODY', what)
}

/** Name for messages: the URL if known. */
export function nameOf(response: AnyResponse): string {
  const url = urlOf(response)
  return url === undefined ? 'the response' : printable(url)
}

/** Origin of the response, if its URL is known. */
export function originOf(response: AnyResponse): string | undefined {
  const url = urlOf(response)
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined
}

function urlOf(response: AnyResponse): string | undefined {
  const { url } = response as Partial<Response>
  return typeof url === 'string' && url !== '' ? url : undefined
}

/** @throws UsageError `ERR_BODY_USED` if the content was already read. */
export function readerOf(response: AnyResponse): ContentReader {
  if (isCore(response)) {
    const parts = response.body
    return {
      async next() {
        const { done, value } = await parts.next()
        return done === true ? undefined : value
      },
      async leave(reason) {
        if (!response.complete) response.discard(reason)
      },
    }
  }
  const { body, bodyUsed } = response
  if (bodyUsed || body?.locked === true)
    throw new UsageError('ERR_BODY_USED', 'the content of the response has already been read')
  const reader = body?.getReader()
  return {
    next: async () => (await reader?.read())?.value,
    leave: async (reason) => reader?.cancel(reason),
  }
}

/** Ends a response without reading it. */
export async function leave(response: AnyResponse): Promise<void> {
  if (isCore(response)) response.discard()
  else if (response.body?.locked === false) await response.body.cancel()
}

/** True for a response of another copy of the package as well. */
function isCore(response: AnyResponse): response is HttpResponse {
  return response instanceof HttpResponse || typeof (response as { discard?: unknown }).discard === 'function'
}
