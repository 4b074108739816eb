/**
 * Types of the contract between Smithy clients and their request handlers, as `@smithy/protocol-http` 1 to 5 and `@smithy/core` 3 have it. No
 * code, and no import from Smithy: the types of any version fit.
 */

import type { Readable } from 'node:stream'

/** A signed request of a Smithy client. */
export interface SmithyRequest {
  readonly method: string
  /** `https:` or `http:`. */
  readonly protocol: string
  readonly hostname: string
  readonly port?: number | undefined
  /** Percent-encoded path. */
  readonly path: string
  /** Names and values before percent-encoding. A list repeats the name; `null` is a name without a value. */
  readonly query?: Readonly<Record<string, string | readonly string[] | null>> | undefined
  readonly headers: Readonly<Record<string, string>>
  /** String, bytes, Readable, web stream, Blob, async iterable. */
  readonly body?: unknown
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Never sent (RFC 9110 §4.2.5). */
  readonly fragment?: string | undefined
}

/** A response for a Smithy client. */
export interface SmithyResponse {
  statusCode: number
  /** Reason phrase; empty over HTTP/2. */
  reason: string
  /** Names in lower case. Lines of one name are joined with `, `. */
  headers: Record<string, string>
  /** The content. Destroying it resets the HTTP stream. */
  body: Readable
}

/** The signal of `@smithy/abort-controller`, which has no listeners. */
export interface SmithyAbortSignal {
  readonly aborted: boolean
  // biome-ignore lint/suspicious/noExplicitAny: the type of the listener differs between the versions.
  onabort: any
}

/** Second argument of `handle()`. */
export interface SmithyHandleOptions {
  readonly abortSignal?: AbortSignal | SmithyAbortSignal | undefined
  /** See `RequestHandlerOptions.requestTimeout`. */
  readonly requestTimeout?: number | undefined
  /** Whether the content of the request or the response is an event stream. No difference here. */
  readonly isEventStream?: boolean | undefined
}
