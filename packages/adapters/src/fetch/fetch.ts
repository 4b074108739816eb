/** `fetch` over a client: the main loop of the Fetch standard's HTTP fetch, as far as it means something outside a browser. */

import type { Client, HttpResponse } from '@unshard/core'
import { toFetchError } from './errors.js'
import { followRedirect, isRedirect, MAX_REDIRECTS, redirectTarget } from './redirect.js'
import { type FetchInit, type FetchRequest, toFetchRequest } from './request.js'
import { type FetchResponse, type FetchResponseParts, LazyResponse } from './response.js'

/** The built-in `fetch`, with members of its own in `init` and in the response. */
export type Fetch = (input: string | URL | Request, init?: FetchInit | RequestInit) => Promise<FetchResponse>

/** What every call of a {@link createFetch} begins with. */
export interface FetchDefaults {
  /** What relative URLs are relative to. Default: nothing; they are refused. */
  readonly baseUrl?: string
}

/** A `fetch` that sends its requests through `client`. */
export function createFetch(client: Client, { baseUrl }: FetchDefaults = {}): Fetch {
  return (input, init) => {
    try {
      if (baseUrl !== undefined && typeof input === 'string') input = new URL(input, baseUrl).href
      return run(client, toFetchRequest(input, init as FetchInit | undefined))
    } catch (error) {
      return Promise.reject(toFetchError(error))
    }
  }
}

/** Follows redirects until there is an answer. */
async function run(client: Client, request: FetchRequest): Promise<FetchResponse> {
  for (let redirects = 0; ; redirects++) {
    const response = await send(client, request)
    const answer = { response, url: request.url, redirected: redirects > 0, head: request.method === 'HEAD' }
    const redirecting = isRedirect(response.status)
    if (redirecting && request.redirect === 'error') {
      response.discard()
      throw new TypeError(`fetch failed: redirect from ${request.url} with redirect: 'error'`)
    }
    const target = redirecting && request.redirect !== 'manual' ? targetOf(request, response) : undefined
    if (target === undefined) return toResponse(answer)
    response.discard()
    if (redirects === MAX_REDIRECTS) throw new TypeError(`fetch failed: over ${MAX_REDIRECTS} redirects`)
    followRedirect(request, response.status, target)
  }
}

/** RFC 9110 §15.3.6: a 205 has no content; what a server sends all the same must not hold its stream. */
function toResponse(answer: FetchResponseParts): FetchResponse {
  if (answer.response.status === 205) answer.response.discard()
  return new LazyResponse(answer) as unknown as FetchResponse
}

/** A redirect that leads nowhere is an error, and its content nobody's: it must not hold its stream. */
function targetOf(request: FetchRequest, response: HttpResponse): URL | undefined {
  try {
    return redirectTarget(request, response)
  } catch (error) {
    response.discard(error)
    throw error
  }
}

function send(client: Client, request: FetchRequest): Promise<HttpResponse> {
  const { url, method, signal, extras } = request
  const opened = request.body?.open()
  const headers =
    opened?.type === undefined ? request.fields : [...request.fields, ['content-type', opened.type] as [string, string]]
  return client.request({ url, method, headers, body: opened?.body, signal, ...extras }).catch(rethrow)
}

function rethrow(error: unknown): never {
  throw toFetchError(error)
}
