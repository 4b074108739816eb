/** Every request settles once, within its deadlines. */

import type { Environment } from '../../world/environment.js'

/** Deadlines are looked at every 100 ms; the rest is for the turns of a busy process. */
const LATE_MS = 500

export function judgeSettling({ ledger }: Environment): void {
  for (const { script, settled, outcome, startedAt, stalledAtStart, stalledAtEnd } of ledger.records.values()) {
    const { id, method, origin, totalMs, abortAfterMs } = script
    if (outcome === undefined) {
      ledger.find('unsettled', `${method} ${origin} was not settled`, id)
      continue
    }
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
