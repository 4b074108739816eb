/** Whether executions leave something behind: the retained heap before and after many of them. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Entry } from './corpus.js'
import type { Target } from './target.js'

const EXECUTIONS = 1_000
/** What caches and compiled code may still add. */
const MAX_GROWTH_BYTES = 3_000_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function retained(): number {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Runs inputs of the corpus over and over; returns octets that were kept, 0 while that is within reason. */
export function retainedGrowth(target: Target, entries: readonly Entry[]): number {
  const run = (): void => {
    for (let i = 0; i < EXECUTIONS; i++) {
      try {
        target.run(entries[i % entries.length]!.input)
      } catch {
        // Findings have been reported already.
      }
    }
  }
  run()
  const before = retained()
  run()
  const once = retained() - before
  if (once <= MAX_GROWTH_BYTES) return 0
  // Once more: what grows for good grows again.
  run()
  return retained() - before > 1.5 * once ? once : 0
}
