/** Messages between the processes of `grpc`. */

/** Length of each message of the stream, in bytes. */
export const MESSAGE_BYTES = 1_000
/** Number of messages of one stream. */
export const MESSAGES = 20_000
/** Unary calls in flight. */
export const IN_FLIGHT = 100

export interface GrpcServerPort {
  readonly ca: string
  readonly port: number
}

export interface GrpcAssignment {
  readonly competitor: string
  readonly kind: 'unary' | 'stream'
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
