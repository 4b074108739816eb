/** Messages between the processes of `stream-100m`. */

/** Length of the resource in bytes. */
export const STREAM_BYTES = 100_000_000
export const STREAM_FILE = '100m.bin'

/** Ports of the resource. */
export interface StreamServers {
  readonly ca: string
  readonly h2: { readonly name: string; readonly port: number }
  /** `undefined` if nginx is not installed. */
  readonly http1: { readonly name: string; readonly port: number } | undefined
}

export interface StreamAssignment {
  readonly competitor: string
  readonly origin: string
  readonly ca: string
}

/** Result of reading it once. */
export interface StreamTurn {
  readonly ms: number
  readonly cpuMs: number
  /** Peak resident memory during the reading minus that before it, in bytes. */
  readonly peakBytes: number
  readonly errors: number
  readonly firstError?: string
}
