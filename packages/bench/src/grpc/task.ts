/** Messages between the processes of `grpc`. */

/** Length of each message of the stream, in bytes. */
export const MESSAGE_BYTES = 1_000
/** Number of messages of one stream. */
export const MESSAGES = 20_000
/** Unary calls in flight. */
export const IN_FLIGHT = 100

/**
 * Loads: unary calls; a stream of which the server sends message by message, so that the client
 * waits for it; and a stream of a server that is faster than the clients.
 */
export type GrpcKind = 'unary' | 'stream' | 'fast stream'

export interface GrpcServerPort {
  readonly ca: string
  readonly port: number
  /** nghttpd, whose document is a stream; `undefined` if it is not installed. */
  readonly fastPort: number | undefined
}

export interface GrpcAssignment {
  readonly competitor: string
  readonly kind: GrpcKind
  readonly port: number
  readonly ca: string
  readonly seconds: number
  readonly warmupSeconds: number
}

/** The result of one process. */
export interface GrpcTurn {
  /** Calls, or messages of streams, in a second. */
  readonly perSecond: number
  /** CPU time of the client for each, in microseconds. */
  readonly cpuMicros: number
  readonly errors: number
  readonly firstError?: string
}
