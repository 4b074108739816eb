import type { Connecting } from '../connecting.js'

/** Options of a probe. */
export interface ProbeOptions extends Connecting {
  /** Send requests and compare the responses. */
  readonly send: boolean
  /** Path of those requests. */
  readonly path: string
}
