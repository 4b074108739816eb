/** A real program as the measurements see it. */

/** A server that listens on 127.0.0.1. */
export interface RealServer {
  readonly port: number
  /** Ends connections gracefully: reload, shutdown or SIGTERM. */
  shutdown(): Promise<void>
  stop(): Promise<void>
}

/** A host that each program has, and one that it does not have. */
export const HOST = 'a.models.example'
export const OTHER = 'b.models.example'
/** A short response. */
export const SHORT = '/small.txt'
/** A response in parts, without a length. */
export const STREAMED = '/behind/streamed'
/** Responds after {@link SLOW_MS}. */
export const SLOW = '/behind/slow'
export const SLOW_MS = 2_500
/** Reads the whole content, then responds. */
export const UPLOAD = '/upload'
