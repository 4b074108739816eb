/**
 * Types of the dispatcher contract of undici 6, 7 and 8 and of the fetch built into Node, as far as
 * it is supported. No code.
 */

import type { EventEmitter } from 'node:events'

/** One request in undici's form. */
export interface DispatchOptions {
  readonly origin?: string | URL | undefined
  /** Path and query, beginning with a slash. */
  readonly path: string
  readonly method: string
  /** String, bytes, Readable, iterable, async iterable, FormData, Blob, web stream. */
  readonly body?: unknown
  /** A flat list, a record, pairs, or a Map. */
  readonly headers?: unknown
  /** Appended to a path that has no query. */
  readonly query?: Readonly<Record<string, unknown>> | null | undefined
  /** `false`: never replayed, whatever the method. */
  readonly idempotent?: boolean | undefined
  /** Concerns HTTP/1.1 pipelining, which cannot be chosen here. */
  readonly blocking?: boolean | undefined
  /** Use a dedicated connection and close it afterwards. */
  readonly reset?: boolean | null | undefined
  readonly upgrade?: boolean | string | null | undefined
  /** Milliseconds; 0 disables it. Default: the client's. */
  readonly headersTimeout?: number | null | undefined
  readonly bodyTimeout?: number | null | undefined
  /** Accepted, but the content is sent without waiting for a 100. */
  readonly expectContinue?: boolean | undefined
  /** `false`: use HTTP/1.1. */
  readonly allowH2?: boolean | undefined
  /** Host name of an origin that is an address, as set by undici's `dns` interceptor. */
  readonly servername?: string | null | undefined
  readonly throwOnError?: boolean | null | undefined
  /** Redirects are an interceptor's job: only 0 is valid. */
  readonly maxRedirections?: number | null | undefined
}

/** Controller of a request for the newer handlers. */
export interface DispatchController {
  readonly aborted: boolean
  readonly paused: boolean
  readonly reason: unknown
  /** Name, value, name, value…; of the response passed to `onResponseStart`. */
  readonly rawHeaders: Buffer[] | undefined
  readonly rawTrailers: Buffer[] | undefined
  abort(reason?: unknown): void
  pause(): void
  resume(): void
}

/** Response fields in the form of the newer handlers. */
export type ResponseFields = Record<string, string | string[]>

/** Handlers of undici 7 and 8 and of Node 26: detected by an `onRequestStart` function. */
export interface ControllerHandler {
  onRequestStart(controller: DispatchController, context: unknown): void
  onRequestUpgrade?(controller: DispatchController, status: number, headers: ResponseFields, socket: unknown): void
  onResponseStarted?(): void
  onResponseStart?(controller: DispatchController, status: number, headers: ResponseFields, statusMessage?: string): void
  onResponseData?(controller: DispatchController, chunk: Buffer): void
  onResponseEnd?(controller: DispatchController, trailers: ResponseFields): void
  onResponseError?(controller: DispatchController, error: Error): void
  onBodySent?(chunk: Uint8Array): void
  onRequestSent?(): void
}

/** Handlers of undici 6, the older ones of undici 7, and of Node 20 to 24. */
export interface RawHandler {
  onConnect?(abort: (reason?: unknown) => void, context?: unknown): void
  onUpgrade?(status: number, headers: Buffer[], socket: unknown): void
  onResponseStarted?(): void
  onHeaders?(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean | undefined
  onData?(chunk: Buffer): boolean | undefined
  // biome-ignore lint/suspicious/noExplicitAny: buffers, typed as strings by undici.
  onComplete?(trailers: any): void
  onError?(error: Error): void
  // biome-ignore lint/suspicious/noExplicitAny: the chunk, typed as a size by undici.
  onBodySent?(...sent: any[]): void
  onRequestSent?(): void
}

/** A handler of either generation. */
export type DispatchHandler = ControllerHandler | RawHandler

/** Sends a request. `false` asks the caller to wait for `drain`. */
export type Dispatch = (options: DispatchOptions, handler: DispatchHandler) => boolean

/** Argument of undici's `compose`. */
export type Interceptor = (dispatch: Dispatch) => Dispatch

/** Any dispatcher: undici's or ours. */
export interface Dispatching {
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean
  readonly isMockActive?: boolean | undefined
}

/** Result of `compose`. */
export interface ComposedDispatcher extends EventEmitter, Dispatching {
  // biome-ignore lint/suspicious/noExplicitAny: the type of interceptors in undici 6, 7 and 8.
  compose(...interceptors: any[]): ComposedDispatcher
  close(): Promise<void>
  close(callback: () => void): void
  destroy(error?: Error | null): Promise<void>
  destroy(error: Error | null, callback: () => void): void
}
