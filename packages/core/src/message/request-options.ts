/** Options of a request, and interceptors, which receive them. `request.ts` checks them. */

import { flagRow, milliseconds, number, type OptionSchema, value } from '../schema/schema.js'
import type { AddressPolicyOption } from './address-policy.js'
import type { Fields, FieldsInit } from './fields.js'
import type { Priority } from './priority.js'
import type { RequestBody } from './request-content.js'
import type { HttpResponse } from './response.js'
import type { Strategy } from './strategy.js'

/** Deadlines of one request; 0 disables a deadline. Omitted ones are those of the client. */
export interface Timeouts {
  /** Waiting for capacity on an open connection. @default 60,000 */
  readonly queue?: number
  /** Resolving, connecting, TLS. @default 10,000 */
  readonly connect?: number
  /** From the last byte of the request to the fields of the response. @default 0 */
  readonly headers?: number
  /** Between two parts of the content, in either direction. @default 0 */
  readonly body?: number
  /** The whole request, to the last byte of the response. @default 0 */
  readonly total?: number
}

/** Default deadlines: a live server may take as long as it needs. See docs/guides/production.md. */
export const TIMEOUT_OPTIONS: OptionSchema<Timeouts> = {
  queue: milliseconds(60_000),
  connect: milliseconds(10_000),
  headers: milliseconds(0),
  body: milliseconds(0),
  total: milliseconds(0),
}

/** When a request is sent again after a response: only if its method is idempotent or it has an `idempotency-key` field. */
export interface RetryPolicy {
  /** Maximum number of attempts, the first one included. @default 3 */
  readonly attempts?: number
  /** Statuses after which the request is sent again. @default `[429, 503]` */
  readonly statuses?: readonly number[]
  /** First delay if the response has no `retry-after`. Doubled each time; a random part of it is waited. @default 200 */
  readonly baseDelayMs?: number
  /** Longest delay. A response whose `retry-after` is longer is returned. @default 30,000 */
  readonly maxDelayMs?: number
}

/** Options of a retry policy. */
export const RETRY_OPTIONS: OptionSchema<RetryPolicy> = {
  attempts: number(3, 1, 100, 'attempts'),
  statuses: value('a list of 200 to 999', '`[429, 503]`'),
  baseDelayMs: milliseconds(200),
  maxDelayMs: milliseconds(30_000),
}

/** Options of `Client.request`. */
export interface RequestOptions {
  /** Method: a token (RFC 9110 §9.1), sent as it is written. @default `GET` */
  readonly method?: string
  /**
   * Protocol of an extended CONNECT, such as `websocket`; requires method `CONNECT` (RFC 8441 §4). Content in both directions is then that of
   * the protocol. Over HTTP/1.1 it is a GET with `upgrade`, whose response is 101 and whose content is sent after it (RFC 9110 §7.8).
   */
  readonly protocol?: string | undefined
  /** Absolute URL, `http:` or `https:`, without credentials. A fragment is not sent. */
  readonly url: string | URL
  /** Fields of the request. `host` replaces the authority; `connection: close` asks for a dedicated connection. */
  readonly headers?: FieldsInit
  /** Content of the request. Streams are read as they are sent. */
  readonly body?: RequestBody | null | undefined
  /** Accepted for code that was written for `fetch`: a response may always begin while content is being sent. */
  readonly duplex?: 'half'
  /** Returns the trailers; called when the content is complete. Requires `body`. */
  readonly trailers?: () => FieldsInit
  /** Aborts the request at any stage: its promise, or the reader of its body, rejects with `signal.reason` itself. */
  readonly signal?: AbortSignal | null | undefined
  /** Deadlines that differ from those of the client. @default the client's */
  readonly timeouts?: Timeouts
  /** @internal When `timeouts.total` began, by the client's clock: a call that follows redirects has one for all hops. */
  readonly totalSince?: number
  /** @internal Address that the host of the URL resolved to: it is connected to, and no name is resolved. */
  readonly resolvedAddress?: string | undefined
  /** @internal Whether HTTP/2 is not offered for this request. */
  readonly http1Only?: boolean | undefined
  /** @internal Whether the request fails rather than being sent over HTTP/1.1. */
  readonly http2Only?: boolean | undefined
  /** @internal Whether dot segments in the path of a URL given as text are sent as they are: a signature may cover them. */
  readonly keepDotSegments?: boolean | undefined
  /** Maximum number of replays after the connection was lost with an unknown outcome. @default the client's */
  readonly replay?: number
  /** Retries after a status that means "later". @default the client's */
  readonly retry?: RetryPolicy | boolean
  /** Requests with different values never share a connection. */
  readonly isolation?: string
  /** Addresses that may be connected to. @default the client's */
  readonly addressPolicy?: AddressPolicyOption
  /** Selects one of several connections with capacity. @default the origin's */
  readonly strategy?: Strategy
  /** Requests with the same value use the same connection if the strategy is `hash`. */
  readonly affinity?: string
  /** Urgency of the response (RFC 9218): the `priority` field. */
  readonly priority?: Priority
  /** Names of fields, in lower case, whose values never enter a compression table (RFC 7541 §7.1.3). */
  readonly sensitive?: Iterable<string>
  /**
   * Strips SP and HTAB from the ends of an HTTP/2 response's field values, as curl and browsers do, instead of refusing the response as
   * malformed (RFC 9113 §8.2.1). `:status`, `content-length` and connection-specific fields stay strict. `fetch` sets it.
   * @default false
   */
  readonly trimFieldValues?: boolean
  /** Whether a redirect is returned, followed, or an error. The verbs, such as `client.get()`, follow by default. @default `manual` */
  readonly redirect?: 'manual' | 'follow' | 'error'
  /** Maximum number of redirects that are followed. @default 20 */
  readonly maxRedirects?: number
  /** Called before each redirect is followed. If it returns `false`, the redirect is the response; an error rejects the request. */
  readonly onRedirect?: (redirect: Redirect) => unknown
  /**
   * Maximum size of a body that is read as a whole (`bytes()`, `text()`, `json()`): beyond it the response is ended with
   * `ERR_BODY_TOO_LARGE`, by `content-length` before any byte is read.
   * @default the client's
   */
  readonly maxBodyBytes?: number
  /** Functions around this request, inside those of the client: see docs/guides/interceptors.md. */
  readonly interceptors?: readonly Interceptor[]
  /** Called for each interim response, 1xx. An error it throws ends the request, which rejects with it. */
  readonly onInformational?: (status: number, fields: readonly string[]) => void
}

/** Options of a request. */
export const REQUEST_OPTIONS: OptionSchema<RequestOptions> = {
  method: value('a token', '`GET`'),
  protocol: value('a token'),
  url: value('a URL', 'required'),
  headers: value('a record, pairs, `Fields`'),
  body: value('text, bytes, `Blob`, `URLSearchParams`, a stream, an async iterable'),
  duplex: value('`half`'),
  trailers: value('a function'),
  signal: value('an `AbortSignal`'),
  timeouts: value('an object', "the client's"),
  totalSince: value('internal'),
  resolvedAddress: value('internal'),
  http1Only: value('internal'),
  http2Only: value('internal'),
  keepDotSegments: value('internal'),
  replay: value('0 to 100', "the client's"),
  retry: value('`true`, `false`, an object', "the client's"),
  isolation: value('text'),
  addressPolicy: value('`any`, `public`, an object of ranges', "the client's"),
  strategy: value('`least-streams`, `random`, `round-robin`, `hash`, a function', "the origin's"),
  affinity: value('text'),
  priority: value('an object'),
  sensitive: value('names of fields'),
  trimFieldValues: flagRow(false),
  redirect: value('`manual`, `follow`, `error`', '`manual`'),
  maxRedirects: number(20, 0, 1_000),
  onRedirect: value('a function'),
  maxBodyBytes: value('a number of bytes', "the client's"),
  interceptors: value('a list of functions'),
  onInformational: value('a function'),
}

/** A redirect that is about to be followed. */
export interface Redirect {
  readonly status: number
  /** URL of the request. */
  readonly from: string
  /** URL of the next request. */
  readonly to: string
  /** Method of the next request. */
  readonly method: string
  /** Fields of the response. */
  readonly headers: Fields
}

/** A request on its way through interceptors. Frozen: {@link InterceptedRequest.with} makes another. */
export interface InterceptedRequest extends RequestOptions {
  readonly method: string
  /** Absolute URL. */
  readonly url: string
  readonly headers: Fields
  /** Returns a copy with other options; `undefined` removes one. */
  with(changes: Partial<RequestOptions>): InterceptedRequest
}

/** Passes a request on. May be called several times; a body that can be read once can be sent once. */
export type Next = (request: InterceptedRequest) => Promise<HttpResponse>

/**
 * A function around each request: it may change the request, answer with `HttpResponse.from()`, call `next` again, or change the response
 * with `response.with()`. Its errors reject the request as they are.
 */
export type Interceptor = (request: InterceptedRequest, next: Next) => Promise<HttpResponse> | HttpResponse
