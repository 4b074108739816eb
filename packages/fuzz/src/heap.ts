/** Compares the retained heap before and after many executions. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Entry } from './corpus.js'
import type { Target } from './target.js'

const EXECUTIONS = 1_000
/** Tolerated growth by caches and compiled code. */
const MAX_GROWTH_BYTES = 3_000_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function retained(): number {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Runs inputs of the corpus repeatedly; returns the retained bytes, 0 within the tolerance. */
export function retainedGrowth(target: Target, entries: readonly Entry[]): number {
  const run = (): void => {
    for (let i = 0; i < EXECUTIONS; i++) {
      try {
        target.run(entries[i % entries.length]!.input)
      } catch {
        // Findings have already been reported.
      }
    }
  }
  run()
  const before = retained()
  run()
  const once = retained() - before
  if (once <= MAX_GROWTH_BYTES) return 0
  // Again: a real leak grows again.
  run()
  return retained() - before > 1.5 * once ? once : 0
}
