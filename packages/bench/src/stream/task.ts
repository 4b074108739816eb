/** What the processes of `stream-100m` tell each other. */

/** Octets of the one resource. */
export const STREAM_BYTES = 100_000_000
export const STREAM_FILE = '100m.bin'

/** Where the resource is. */
export interface StreamServers {
  readonly ca: string
  readonly h2: { readonly name: string; readonly port: number }
  /** `undefined` where nginx is not installed. */
  readonly http1: { readonly name: string; readonly port: number } | undefined
}

export interface StreamAssignment {
  readonly competitor: string
  readonly origin: string
  readonly ca: string
}

/** One reading of it. */
export interface StreamTurn {
  readonly ms: number
  readonly cpuMs: number
  /** Resident memory at its highest while it was read, above what it was before, octets. */
  readonly peakBytes: number
  readonly errors: number
  readonly firstError?: string
}
