/** Converts a signed request to one of the client. Nothing that a signature covers may change: method, path, query, `host`, content. */

import { Readable } from 'node:stream'
import { type RequestBody, type RequestOptions, UsageError } from '@unshard/core'
import { shownValue } from '@unshard/core/internal'
import type { SmithyRequest } from './contract.js'

/**
 * Options of the client's request, without those of its life. Every member is present, so that all
 * of them have one shape.
 */
export interface ConvertedRequest {
  readonly method: string
  readonly url: string
  readonly headers: [name: string, value: string][]
  readonly body: RequestBody | undefined
  /** Whether events are sent: the response begins before their end, which intermediaries of HTTP/1.1 do not pass on. */
  readonly http2Only: boolean
}

/** @throws UsageError `ERR_INVALID_URL`, `ERR_INVALID_BODY`. The client checks the rest. */
export function toRequest(request: SmithyRequest): ConvertedRequest {
  const headers = headersOf(request)
  return {
    method: request.method,
    url: originOf(request) + targetOf(request),
    headers,
    body: bodyOf(request.body),
    http2Only: headers.some(([name, value]) => value === EVENT_STREAM && name.toLowerCase() === 'content-type'),
  }
}

/** Media type of the content of a request that sends events. */
const EVENT_STREAM = 'application/vnd.amazon.eventstream'
/** Characters that a URL encodes, removes, or reads as something else: the path would not be the one that was signed. */
const REWRITTEN = /[^\x21-\x7e]|["#<>\\`{}]/
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i
/** Characters that a URL leaves as they are, but with which it does not keep dot segments. */
const UNUSUAL = /['?[\]^|]|%(?![0-9a-f]{2})/i

function originOf({ protocol, hostname, port }: SmithyRequest): RequestOptions['url'] & string {
  // Text beyond a scheme or a number would change the host, the path or the credentials.
  if (typeof protocol !== 'string' || !/^[a-z][a-z0-9+.-]*:$/i.test(protocol))
    throw new UsageError('ERR_INVALID_URL', `protocol ${shownValue(protocol)} is not a scheme and a colon, such as "https:"`)
  if (port !== undefined && port !== null && !/^\d{1,5}$/.test(String(port)))
    throw new UsageError('ERR_INVALID_URL', `port ${shownValue(port)} is not a whole number from 0 to 65535`)
  // A host with any of these would move a part of it to the path, or to the credentials.
  if (typeof hostname !== 'string' || hostname === '' || /[/?#@\\\s]/.test(hostname))
    throw new UsageError('ERR_INVALID_URL', `hostname ${shownValue(hostname)} is not a valid host`)
  const host = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname
  return `${protocol}//${host}${port === undefined || port === null ? '' : `:${port}`}`
}

function targetOf({ path, query }: SmithyRequest): string {
  const absolute = path === undefined || path === '' ? '/' : path
  if (!absolute.startsWith('/')) throw new UsageError('ERR_INVALID_URL', `path ${shownValue(path)} does not begin with a slash`)
  if (REWRITTEN.test(absolute) || (DOT_SEGMENT.test(absolute) && UNUSUAL.test(absolute)))
    throw new UsageError('ERR_INVALID_URL', `path ${shownValue(path)} has characters that must be percent-encoded`)
  const text = query === undefined || query === null ? '' : queryOf(query)
  return text === '' ? absolute : `${absolute}?${text}`
}

/** Serializes a query as signatures of AWS have it: sorted by name, with the unreserved characters of RFC 3986 §2.3 alone. */
function queryOf(query: NonNullable<SmithyRequest['query']>): string {
  const pairs: string[] = []
  for (const name of Object.keys(query).sort()) {
    const value = query[name]
    const key = encoded(name)
    if (Array.isArray(value)) for (const each of value) pairs.push(`${key}=${encoded(each as string)}`)
    else pairs.push(value === null || value === undefined ? key : `${key}=${encoded(value as string)}`)
  }
  return pairs.join('&')
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
}

function headersOf({ headers, username, password }: SmithyRequest): [name: string, value: string][] {
  const list: [string, string][] = []
  let hasAuthorization = false
  let hasHost = false
  let authority: string | undefined
  for (const name of Object.keys(headers ?? {})) {
    const value: unknown = headers[name]
    if (value === undefined || value === null) continue
    const lower = name.toLowerCase()
    if (lower === ':authority') authority = String(value)
    // The framing of content belongs to the connection (RFC 9112 §6.1, RFC 9113 §8.2.2); no signature covers this field.
    else if (lower !== 'transfer-encoding') list.push([name, typeof value === 'string' ? value : String(value)])
    hasAuthorization ||= lower === 'authorization'
    hasHost ||= lower === 'host'
  }
  // Clients that took the handler for one of HTTP/2 sign this name instead of `host`.
  if (authority !== undefined && !hasHost) list.push(['host', authority])
  if ((username ?? password ?? undefined) !== undefined && !hasAuthorization)
    list.push(['authorization', basic(username, password)])
  return list
}

/** RFC 7617 §2. */
function basic(username = '', password = ''): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/**
 * Returns content without a media type of its own: a request has no field that the caller did not sign. Empty content is no content, as for
 * the SDK's own handlers.
 */
function bodyOf(body: unknown): RequestBody | undefined {
  if (body === undefined || body === null || body === '') return undefined
  if (typeof body === 'string') return Buffer.from(body)
  if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer) return body.byteLength === 0 ? undefined : body
  if (body instanceof Blob) return body.slice()
  if (body instanceof Readable || body instanceof ReadableStream) return body
  if (typeof body === 'object' && Symbol.asyncIterator in body) return body as RequestBody
  throw new UsageError('ERR_INVALID_BODY', `a body must be text, bytes, a Blob or a stream, not ${shownValue(body)}`)
}
