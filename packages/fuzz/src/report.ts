/** Output of the fuzzer. */

import type { Coverage } from './coverage.js'
import type { Fuzzer } from './fuzzer.js'
import type { CountedFile } from './instrument.js'

interface Sums {
  readonly executions: number
  readonly inputs: number
  readonly covered: number
  readonly counters: number
  readonly findings: number
}

function sum(fuzzers: readonly Fuzzer[]): Sums {
  const of = (count: (fuzzer: Fuzzer) => number): number => fuzzers.reduce((all, fuzzer) => all + count(fuzzer), 0)
  return {
    executions: of((fuzzer) => fuzzer.executions),
    inputs: of(({ corpus }) => corpus.entries.length),
    covered: of(({ coverage }) => coverage.covered),
    counters: of(({ coverage }) => coverage.counters.length),
    findings: of(({ findings }) => findings.length),
  }
}

export function summary(fuzzers: readonly Fuzzer[]): string {
  const { executions, inputs, covered, counters, findings } = sum(fuzzers)
  return `${executions} executions, ${inputs} inputs in the corpus, ${covered} of ${counters} counters, ${findings} findings`
}

export function progress(fuzzers: readonly Fuzzer[], seconds: number): string {
  const { executions, inputs, covered, counters } = sum(fuzzers)
  const rate = Math.round(executions / seconds)
  return `${Math.round(seconds)} s: ${executions} executions, ${rate}/s, corpus ${inputs}, counters ${covered}/${counters}`
}

export function targetLine(fuzzer: Fuzzer): string {
  const rate = Math.round((fuzzer.executions * 1_000) / Math.max(1, fuzzer.milliseconds))
  return `${fuzzer.target.name}: ${summary([fuzzer])}, ${rate}/s`
}

export function fileLines(coverage: Coverage, files: readonly CountedFile[]): string[] {
  return files.map(({ file, first, count }) => {
    let reached = 0
    for (let i = first; i < first + count; i++) if (coverage.reached(i)) reached++
    return `  ${file}: ${reached}/${count}`
  })
}
