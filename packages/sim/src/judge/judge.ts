/** Judges a run when it is over: one rule after the other. */

import type { Environment } from '../world/environment.js'
import { judgeContents } from './rules/contents.js'
import { judgeExecution } from './rules/execution.js'
import { judgeFairness } from './rules/fairness.js'
import { judgeLatency } from './rules/latency.js'
import { judgeLoad } from './rules/load.js'
import { judgeRecovery } from './rules/recovery.js'
import { judgeRouting } from './rules/routing.js'

/** Judges the requests. Deadlines and what is left are judged while the world still runs. */
export function judge(environment: Environment): void {
  judgeExecution(environment)
  judgeContents(environment)
  judgeRouting(environment)
  judgeLoad(environment)
  judgeRecovery(environment)
  judgeLatency(environment)
  judgeFairness(environment)
}
