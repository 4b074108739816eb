/** Result of any scenario: text for people, JSON for programs, and the number of errors. */

import type { Cores } from '@unshard/testkit'
import type { Chart } from './plot.js'

export interface ScenarioReport {
  readonly text: string
  readonly json: { readonly name: string }
  /** Number of wrong or missing responses. */
  readonly errors: number
  /** Charts to draw. */
  readonly charts?: readonly Chart[]
}

/** Context given to every scenario. */
export interface RunContext {
  readonly rounds: number
  readonly seconds: number
  readonly warmupSeconds: number
  /** Round-trip time of the cold start, in milliseconds. */
  readonly roundTripMs: number
  /** Ignore installed servers. */
  readonly ownServer: boolean
  /** undefined if processes are not pinned. */
  readonly cores: Cores | undefined
  /** Folder for the CPU profile of each client process; undefined for none. */
  readonly profileFolder?: string
  /** Temporary folder; removed at the end. */
  readonly folder: string
  /** Called with each line of progress. */
  readonly report: (line: string) => void
}

/** A claim to be verified. */
export interface Claim {
  readonly claim: string
  /** undefined if it was not measured. */
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
