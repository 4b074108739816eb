/** The dispatcher contract of undici 6, 7 and 8, and of the fetch that is built into Node: as much of it as is spoken here. No code. */

import type { EventEmitter } from 'node:events'

/** One request, as undici's callers write it. */
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
  /** `false`: not sent again, whatever its method. */
  readonly idempotent?: boolean | undefined
  /** Of HTTP/1.1 pipelining, which a caller cannot choose here. */
  readonly blocking?: boolean | undefined
  /** A connection of its own, closed afterwards. */
  readonly reset?: boolean | null | undefined
  readonly upgrade?: boolean | string | null | undefined
  /** Milliseconds; 0 switches it off. Default: the client's. */
  readonly headersTimeout?: number | null | undefined
  readonly bodyTimeout?: number | null | undefined
  /** Accepted; the content is sent without waiting for a 100. */
  readonly expectContinue?: boolean | undefined
  /** `false`: over HTTP/1.1. */
  readonly allowH2?: boolean | undefined
  /** The name of a server whose address is the origin: undici's `dns` interceptor writes it so. */
  readonly servername?: string | null | undefined
  readonly throwOnError?: boolean | null | undefined
  /** Redirects are an interceptor's: only 0. */
  readonly maxRedirections?: number | null | undefined
}

/** What the newer handlers hold of a request. */
export interface DispatchController {
  readonly aborted: boolean
  readonly paused: boolean
  readonly reason: unknown
  /** Name, value, name, value…; of the response that `onResponseStart` speaks of. */
  readonly rawHeaders: Buffer[] | undefined
  readonly rawTrailers: Buffer[] | undefined
  abort(reason?: unknown): void
  pause(): void
  resume(): void
}

/** Response fields as the newer handlers get them. */
export type ResponseFields = Record<string, string | string[]>

/** Handlers of undici 7 and 8, and of Node 26: chosen where `onRequestStart` is a function. */
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

/** Handlers of undici 6, those that undici 7 still takes, and of Node 20 to 24. */
export interface RawHandler {
  onConnect?(abort: (reason?: unknown) => void, context?: unknown): void
  onUpgrade?(status: number, headers: Buffer[], socket: unknown): void
  onResponseStarted?(): void
  onHeaders?(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean | undefined
  onData?(chunk: Buffer): boolean | undefined
  // biome-ignore lint/suspicious/noExplicitAny: buffers, which undici's types call strings.
  onComplete?(trailers: any): void
  onError?(error: Error): void
  // biome-ignore lint/suspicious/noExplicitAny: the chunk; undici's types have sizes there.
  onBodySent?(...sent: any[]): void
  onRequestSent?(): void
}

/** A handler of either generation. */
export type DispatchHandler = ControllerHandler | RawHandler

/** Sends a request. `false` asks to wait for `drain`. */
export type Dispatch = (options: DispatchOptions, handler: DispatchHandler) => boolean

/** What undici's `compose` takes. */
export type Interceptor = (dispatch: Dispatch) => Dispatch

/** Anything that dispatches: undici's, or ours. */
export interface Dispatching {
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean
  readonly isMockActive?: boolean | undefined
}

/** What `compose` gives back. */
export interface ComposedDispatcher extends EventEmitter, Dispatching {
  // biome-ignore lint/suspicious/noExplicitAny: interceptors as the types of undici 6, 7 and 8 have them.
  compose(...interceptors: any[]): ComposedDispatcher
  close(): Promise<void>
  close(callback: () => void): void
  destroy(error?: Error | null): Promise<void>
  destroy(error: Error | null, callback: () => void): void
}
