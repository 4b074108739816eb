/** Every request settles once, within its deadlines. */

import type { Environment } from '../../world/environment.js'
import { isUnnoticed } from '../unnoticed.js'

/** Deadlines are looked at every 100 ms; the rest is for the turns of a busy process. */
const LATE_MS = 500

export function judgeSettling(environment: Environment): void {
  const { ledger } = environment
  for (const record of ledger.records.values()) {
    const { script, settled, outcome, startedAt, stalledAtStart, stalledAtEnd } = record
    const { id, method, origin, totalMs, abortAfterMs } = script
    if (outcome === undefined) {
      if (!isUnnoticed(environment, record)) ledger.find('unsettled', `${method} ${origin} was not settled`, id)
      continue
    }
    // Only an abort has the reason of its caller; every other error is from this client or the system.
    if (outcome.error?.code === '' && abortAfterMs === undefined)
      ledger.find('untyped', `${method} ${origin} ended with ${outcome.error.name}: ${outcome.error.message}`, id)
    if (settled !== 1) ledger.find('settled-twice', `${method} ${origin} was settled ${settled} times`, id)
    const tookMs = outcome.at - startedAt - (stalledAtEnd - stalledAtStart)
    for (const [what, limitMs] of [
      ['timeouts.total', totalMs],
      ['the abort', abortAfterMs],
    ] as const) {
      if (limitMs !== undefined && tookMs > limitMs + LATE_MS) {
        ledger.find('late', `${method} ${origin} ended ${Math.round(tookMs - limitMs)} ms after ${what}`, id)
      }
    }
  }
}
