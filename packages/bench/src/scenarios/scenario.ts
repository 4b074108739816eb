/** Definition of a scenario: requests, competitors, and marks. The runner does the rest. */

import type { Competitor, Reading, Upload } from '../competitor.js'

export interface Scenario {
  readonly name: string
  /** One-line title. */
  readonly title: string
  readonly path: string
  /** Content of every response; with `bytes`, its beginning. */
  readonly text: string
  /** Length of every response in bytes, if it is too large to be compared. */
  readonly bytes?: number
  /** How clients read it. Default: text. */
  readonly reading?: Reading
  /** Request content. Default: none, by GET. */
  readonly upload?: Upload
  /** Bytes moved by a request, if that is what counts: rates are then in MB/s, CPU time per GB. */
  readonly movedBytes?: number
  /** Minimum duration in seconds: with few requests per second, the last ones matter. */
  readonly minSeconds?: number
  /** Server for HTTP/2 clients, if it is not nghttpd. */
  readonly h2Server?: 'nginx'
  readonly inFlight: number
  readonly competitors: readonly Competitor[]
  /** Names of the competitors used as baselines. */
  readonly baselines: readonly string[]
  readonly marks: readonly Mark[]
}

/** The rate of one competitor is at least this many times that of another. */
export interface RateMark {
  readonly name: string
  readonly baseline: string
  readonly atLeast: number
}

/** The CPU time per request of one competitor is at most this many times that of another. */
export interface CpuMark {
  readonly name: string
  readonly baseline: string
  readonly cpuAtMost: number
}

/** The 99th percentile of the event loop delay is below this limit. */
export interface DelayMark {
  readonly name: string
  readonly delayBelowMs: number
}

export type Mark = RateMark | CpuMark | DelayMark
