/** What a scenario says: what is asked for, who takes part, and what must come out. The runner does the rest. */

import type { Competitor } from '../competitor.js'

export interface Scenario {
  readonly name: string
  /** One line for people. */
  readonly title: string
  readonly path: string
  /** The content of every answer. */
  readonly text: string
  readonly inFlight: number
  readonly competitors: readonly Competitor[]
  /** Names of the competitors that all are compared with. */
  readonly baselines: readonly string[]
  readonly marks: readonly Mark[]
}

/** The rate of one competitor is at least so many times that of another. */
export interface Mark {
  readonly name: string
  readonly baseline: string
  readonly atLeast: number
}
