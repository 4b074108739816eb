import type { Connecting } from '../connecting.js'

/** Options of a measurement. */
export interface BenchOptions extends Connecting {
  readonly url: string
  readonly method: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array | undefined
  /** Connections to open; `undefined` for the default of the client. */
  readonly connections: number | undefined
  /** Requests in flight. */
  readonly concurrency: number
  /** Requests to send; `undefined` without a limit. */
  readonly requests: number | undefined
  /** Time after which no request starts, in milliseconds; `undefined` without a limit. */
  readonly durationMs: number | undefined
  /** Maximum number of requests per second; `undefined` without a limit. */
  readonly rate: number | undefined
  readonly protocol: 'http/1.1' | 'h2' | undefined
  readonly insecure: boolean
}
