/**
 * The table that makes servers differ: a model is this table, filled in. See docs/contributing/simulation.md for
 * how to add one.
 */

/** How a server ends an HTTP/2 connection gracefully. */
export type ShutdownStyle =
  /** GOAWAY with the last stream, then close when its streams are done. */
  | 'last'
  /** GOAWAY with 2^31-1, later with the last stream, then close when its streams are done. */
  | 'twice'
  /** GOAWAY with 2^31-1; the socket stays open, and further streams are served. */
  | 'max'
  /**
   * GOAWAY with 2^31-1, then with the last stream and close when its streams are done; a further
   * stream ends the connection with an error.
   */
  | 'notice'
  /** Only the socket is closed. */
  | 'bare'
  /** GOAWAY with the last stream; the socket stays open. */
  | 'open'

export interface Http2Model {
  readonly maxConcurrentStreams: number
  readonly streamWindowBytes: number
  readonly connectionWindowBytes: number
  /** Whether the window of the connection has its size only with the first DATA; else after SETTINGS. */
  readonly opensWithData?: boolean
  /**
   * When content is acknowledged by WINDOW_UPDATE: at once, when half of a window is used, or with
   * each read of the application; `unlimited` gives a stream all that is possible with its first DATA.
   */
  readonly credit: 'at-once' | 'half' | 'per-read' | 'unlimited'
  /** Bytes of one read, for `per-read`. */
  readonly readBytes?: number
  readonly shutdown: ShutdownStyle
  /** Time between the two GOAWAY frames of `twice`. Default 1,000. */
  readonly noticeMs?: number
  /** Time for streams after a graceful shutdown. Unlimited by default. */
  readonly drainMs?: number
  /** Requests on one connection. */
  readonly maxRequests?: number
  /** Time without streams after which the connection ends. */
  readonly idleMs?: number
  readonly maxAgeMs?: number
  /** Time for streams after the maximum age. */
  readonly ageGraceMs?: number
  /** Least time between two PINGs without HEADERS or DATA of the server in between; a third one too early ends the connection. */
  readonly pingIntervalMs?: number
  /** WINDOW_UPDATE frames per DATA frame of the server, beyond which the connection ends; see {@link Limits}. */
  readonly maxWindowUpdates?: number
  /** RST_STREAM frames in 10 s, beyond which the connection ends. */
  readonly maxResets?: number
}

export interface Http1Model {
  readonly idleMs: number
  readonly maxRequests?: number
  /** Whether the time is announced by `keep-alive: timeout`. */
  readonly announces?: boolean
  /** Whether responses without a length are chunked; else they end with the connection. */
  readonly chunks?: boolean
}

export interface ServerModel {
  readonly name: string
  /** Absent: no HTTP/2. */
  readonly h2?: Http2Model
  /** Absent: no HTTP/1.1. */
  readonly h1?: Http1Model
  /** Status for hosts that the server does not have; `serve` answers in the name of its default host. */
  readonly unknownHost: 404 | 421 | 'serve'
  /** Time for which a closed connection is still read, so that the client sees the last bytes; can be infinite. */
  readonly lingerMs: number
}
