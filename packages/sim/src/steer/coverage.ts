/**
 * Coverage of the client by V8: after each world, the ranges of code that it has executed. Executed
 * or not is all that is used: how often depends on the time at which V8 optimizes a function.
 */

import { type Profiler, Session } from 'node:inspector'

/** A part of a script. The first range of a function is the function; the others are blocks in it. */
export interface CoveredRange {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}

export interface CoveredFunction {
  readonly functionName: string
  readonly ranges: readonly CoveredRange[]
}

export interface CoveredScript {
  readonly url: string
  readonly functions: readonly CoveredFunction[]
}

/** The published files of the client. */
const CLIENT = /\/(?:@unshard|packages)\/(?:core|coalescing)\/dist\//

/** A session with V8 in this process. Start it before the client is loaded: V8 counts blocks only in code that it compiles later. */
export class ClientCoverage {
  readonly #session = new Session()

  constructor() {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Returns everything that was executed since the last call, and functions beside it. */
  take(): readonly CoveredScript[] {
    let taken: Profiler.TakePreciseCoverageReturnType | undefined
    // Within one process, the answer comes before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (error, result) => {
      if (error !== null) throw error
      taken = result
    })
    return taken!.result.filter(({ url }) => CLIENT.test(url)).sort((one, other) => (one.url < other.url ? -1 : 1))
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
  }
}
