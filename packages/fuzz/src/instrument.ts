/**
 * Instruments code: istanbul places the counters, and its counter objects are replaced by one typed
 * array for all files. Reading its nested objects after each execution would cost more than the
 * execution itself.
 */

import { createInstrumenter } from 'istanbul-lib-instrument'

/** Counters of one file: from `first` up to `first + count`. */
export interface CountedFile {
  readonly file: string
  readonly first: number
  readonly count: number
}

/** Global variable through which instrumented code finds its counters. */
export const COUNTERS_NAME = '__fuzzCounters'

/** Assigns counters to one file after another. */
export class Instrumenter {
  readonly files: CountedFile[] = []
  #next = 0
  readonly #istanbul = createInstrumenter({
    esModules: true,
    compact: false,
    coverageVariable: COUNTERS_NAME,
    produceSourceMap: false,
  })

  /** Number of counters so far. */
  get count(): number {
    return this.#next
  }

  /** Returns the same JavaScript with counters. */
  instrument(code: string, file: string): string {
    const counted = this.#istanbul.instrumentSync(code, file)
    const { s, f, b } = this.#istanbul.lastFileCoverage()
    const first = this.#next
    const functions = first + Object.keys(s).length
    const branches: number[] = []
    let next = functions + Object.keys(f).length
    for (const ways of Object.values(b)) {
      branches.push(next)
      next += ways.length
    }
    this.#next = next
    this.files.push({ file, first, count: next - first })
    const body = counted.replace(PREAMBLE, `const ${LOCAL_NAME} = globalThis.${COUNTERS_NAME};\n`)
    return body.replace(COUNT, (_all, what: string, index: string, way: string | undefined) => {
      if (what === 'b') return `${LOCAL_NAME}[${branches[Number(index)]! + Number(way)}]++`
      return `${LOCAL_NAME}[${(what === 's' ? first : functions) + Number(index)}]++`
    })
  }
}

const LOCAL_NAME = '__counters'
/** istanbul's function that stores the counters of a file. */
const PREAMBLE = /^function (cov_\w+)\(\) \{[\s\S]*?\n\}\n\1\(\);\n/
const COUNT = /cov_\w+\(\)\.([sfb])\[(\d+)\](?:\[(\d+)\])?\+\+/g
