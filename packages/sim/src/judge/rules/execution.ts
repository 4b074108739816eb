/** Nothing is executed twice that must not be, and `processed` is true. */

import type { RequestRecord } from '../../ledger/ledger.js'
import type { Environment } from '../../world/environment.js'

/** A repeatable request: once, and one replay (the option `replay`). */
const MOST_EXECUTIONS = 3

export function judgeExecution({ ledger }: Environment): void {
  for (const record of ledger.records.values()) {
    const { script, outcome } = record
    const { id, method, origin, keyed } = script
    const executed = executions(record)
    const most = method === 'GET' || keyed === true ? MOST_EXECUTIONS : 1
    if (executed > most) ledger.find('executed-again', `${method} ${origin} was executed ${executed} times`, id)
    if (outcome === undefined) continue
    const { error, status } = outcome
    if (error?.processed === 'no' && executed > 0) {
      ledger.find('processed-no', `${error.code} says processed "no", but ${method} ${origin} was executed: ${error.message}`, id)
    }
    if (error?.processed === 'yes' && executed === 0) {
      ledger.find('processed-yes', `${error.code} says processed "yes", but ${method} ${origin} was not executed`, id)
    }
    if (status === 200 && executed === 0) ledger.find('foreign-response', `200, but ${method} ${origin} was not executed`, id)
  }
}

/** How often a server has executed a request. */
export function executions({ arrivals }: RequestRecord): number {
  let count = 0
  for (const { executed } of arrivals) if (executed) count++
  return count
}
