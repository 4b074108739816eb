/** A response as its readers take it: one of `fetch`, ours or another's, or one of `client.request`. */

import { HttpResponse, UsageError } from '@unshard/core'
import { shownValue } from '@unshard/core/internal'

/** What `readEvents` and `multipart` read. */
export type AnyResponse = Response | HttpResponse

/** The content of a response, part by part. */
export interface ContentReader {
  /** The next part; `undefined` at the end. */
  next(): Promise<Uint8Array | undefined>
  /** Ends the response. */
  leave(reason?: unknown): Promise<void>
}

/** @throws UsageError `ERR_INVALID_BODY` for what is not a response. */
export function checkResponse(response: AnyResponse, taker: string): void {
  const { status, headers } = (response ?? {}) as Partial<Response>
  if (typeof status === 'number' && typeof headers?.get === 'function') return
  const what = `${taker} takes a response of fetch or of client.request, not ${shownValue(response)}`
  throw new UsageError('ERR_INVALID_BODY', what)
}

/** What messages call it: its URL where it has one. */
export function nameOf(response: AnyResponse): string {
  return urlOf(response) ?? 'the response'
}

/** The origin that it came from, where its URL says it. */
export function originOf(response: AnyResponse): string | undefined {
  const url = urlOf(response)
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined
}

function urlOf(response: AnyResponse): string | undefined {
  const { url } = response as Partial<Response>
  return typeof url === 'string' && url !== '' ? url : undefined
}

/** @throws UsageError `ERR_BODY_USED` where the content was read before. */
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
  if (bodyUsed || body?.locked === true) throw new UsageError('ERR_BODY_USED', 'the content of the response was read before')
  const reader = body?.getReader()
  return {
    next: async () => (await reader?.read())?.value,
    leave: async (reason) => reader?.cancel(reason),
  }
}

/** Ends a response that is not read. */
export async function leave(response: AnyResponse): Promise<void> {
  if (isCore(response)) response.discard()
  else if (response.body?.locked === false) await response.body.cancel()
}

/** Also one of another copy of the package. */
function isCore(response: AnyResponse): response is HttpResponse {
  return response instanceof HttpResponse || typeof (response as { discard?: unknown }).discard === 'function'
}
