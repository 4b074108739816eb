/** What every scenario comes to, whatever it measures: what people read, what programs read, and how much was wrong. */

import type { Cores } from '@unshard/testkit'
import type { Chart } from './plot.js'

export interface ScenarioReport {
  readonly text: string
  readonly json: { readonly name: string }
  /** Answers that were wrong or missing. */
  readonly errors: number
  /** What is drawn of it. */
  readonly charts?: readonly Chart[]
}

/** What every scenario is given. */
export interface RunContext {
  readonly rounds: number
  readonly seconds: number
  readonly warmupSeconds: number
  /** Of the path in the cold start, milliseconds. */
  readonly roundTripMs: number
  /** Whether to leave out servers that are installed. */
  readonly ownServer: boolean
  /** undefined where nothing is pinned. */
  readonly cores: Cores | undefined
  /** Where each client's process leaves a CPU profile; undefined for none. */
  readonly profileFolder?: string
  /** For files; removed at the end. */
  readonly folder: string
  /** Told what is going on, a line at a time. */
  readonly report: (line: string) => void
}

/** A line of what has to come out. */
export interface Claim {
  readonly claim: string
  /** undefined where it was not measured. */
  readonly holds?: boolean
  readonly measured: string
}

export function describeClaims(claims: readonly Claim[]): string[] {
  return claims.map(({ claim, holds, measured }) => `${claim}: ${verdict(holds)} (${measured})`)
}

function verdict(holds: boolean | undefined): string {
  if (holds === undefined) return 'not measured'
  return holds ? 'holds' : 'DOES NOT HOLD'
}
