/**
 * The classes of http2-wrapper: the API of `node:http` over the session that is given to them. Its own types declare those of Node, without
 * the members that only its classes have.
 */

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Duplex, Readable, Writable } from 'node:stream'
import wrapper from 'http2-wrapper'

/** The part of a `ClientHttp2Session` that http2-wrapper uses. */
export interface WrappedSession {
  readonly destroyed: boolean
  readonly socket: { readonly encrypted: boolean }
  request(headers: OutgoingHttpHeaders): Duplex
}

/** Options that http2-wrapper reads once the arguments are checked. */
export interface WrapperOptions {
  readonly h2session: WrappedSession
  readonly protocol: string
  readonly host: string
  readonly port: number | string | undefined
  readonly path: string
  readonly method: string | undefined
  readonly headers: OutgoingHttpHeaders | undefined
  readonly auth: string | undefined
  readonly timeout: number | undefined
}

/** A response of http2-wrapper. */
export interface WrappedMessage extends Readable {
  statusCode: number | null
  statusMessage: string
  httpVersion: string
  httpVersionMajor: number
  httpVersionMinor: number
  complete: boolean
  aborted: boolean
  /** Drops the content. */
  _dump(): void
}

/** A request of http2-wrapper. */
export interface WrappedRequest extends Writable {
  method: string
  path: string
  readonly host: string
  readonly protocol: string
  aborted: boolean
  res: WrappedMessage | null
  /** The stream; `undefined` before the fields are sent. */
  readonly _request: Duplex | undefined
  readonly headersSent: boolean
  abort(): void
  flushHeaders(): Promise<void>
  setHeader(name: string, value: OutgoingHttpHeaders[string]): void
  getHeader(name: string): number | string | string[] | undefined
  getHeaderNames(): string[]
  hasHeader(name: string): boolean
  removeHeader(name: string): void
  setTimeout(ms: number, callback?: () => void): this
}

type Callback = (response: IncomingMessage) => void

/** The base of our requests. */
export const WrappedRequest = wrapper.ClientRequest as unknown as new (
  options: WrapperOptions,
  callback?: Callback,
) => WrappedRequest
