/** What a scenario says: what is asked for, who takes part, and what must come out. The runner does the rest. */

import type { Competitor, Reading, Upload } from '../competitor.js'

export interface Scenario {
  readonly name: string
  /** One line for people. */
  readonly title: string
  readonly path: string
  /** The content of every answer; where `bytes` is given, how it begins. */
  readonly text: string
  /** Octets of every answer, where they are too many to be compared. */
  readonly bytes?: number
  /** How clients read it. Default: text. */
  readonly reading?: Reading
  /** What is sent. Default: nothing, by GET. */
  readonly upload?: Upload
  /** Octets that a request moves, where it is them that count: rates are then told in MB/s, CPU time for each GB. */
  readonly movedBytes?: number
  /** Measured for as long at least, seconds: with few requests a second, the last ones count. */
  readonly leastSeconds?: number
  /** Which server HTTP/2 clients ask, where it is not nghttpd. */
  readonly h2Server?: 'nginx'
  readonly inFlight: number
  readonly competitors: readonly Competitor[]
  /** Names of the competitors that all are compared with. */
  readonly baselines: readonly string[]
  readonly marks: readonly Mark[]
}

/** The rate of one competitor is at least so many times that of another. */
export interface RateMark {
  readonly name: string
  readonly baseline: string
  readonly atLeast: number
}

/** The CPU time that a request costs one competitor is at most so many times what it costs another. */
export interface CpuMark {
  readonly name: string
  readonly baseline: string
  readonly cpuAtMost: number
}

/** The 99th percentile of the event loop's delay is below so much. */
export interface DelayMark {
  readonly name: string
  readonly delayBelowMs: number
}

export type Mark = RateMark | CpuMark | DelayMark
