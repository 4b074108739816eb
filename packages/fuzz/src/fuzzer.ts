/**
 * Main loop for one target: choose, mutate, run, keep inputs with new coverage, report broken
 * invariants.
 */

import { performance } from 'node:perf_hooks'
import { Script } from 'node:vm'
import { Corpus, type Entry } from './corpus.js'
import { Coverage } from './coverage.js'
import { minimize } from './minimize.js'
import { Mutator } from './mutator.js'
import { Prng } from './prng.js'
import type { Target } from './target.js'

/** A broken invariant and the shortest known input that breaks it. */
export interface Finding {
  readonly message: string
  readonly input: Uint8Array
}

/** Maximum duration of one execution. */
const MAX_EXECUTION_MS = 1_000
/** Time for a suspicious execution to show that it ends, in milliseconds. */
const ENDLESS_MS = 20_000
/** Time after which it is stopped: it would never have ended. */
const HANGING_MS = 5_000
const MAX_FINDINGS = 20
const MINIMIZING_TRIES = 4_000
const TRIMMING_TRIES = 200
const TRIMMED_ABOVE_BYTES = 64
/** Number of mutations of one input before another is chosen. */
const ENERGY = 32
const STACK_LINES = 6

const batchScript = new Script('batch()')

export class Fuzzer {
  readonly target: Target
  readonly coverage: Coverage
  readonly corpus: Corpus = new Corpus()
  readonly findings: Finding[] = []
  readonly #keys = new Set<string>()
  readonly #random: Prng
  readonly #mutator: Mutator
  #chosen: Entry | undefined
  #left = 0
  #current: Uint8Array = new Uint8Array(0)
  executions = 0
  milliseconds = 0

  constructor(target: Target, counters: Uint32Array, seed: number) {
    this.target = target
    this.coverage = new Coverage(counters)
    this.#random = new Prng(seed)
    this.#mutator = new Mutator(target.layout, this.#random)
  }

  /** Runs the initial inputs. Those without new coverage are dropped. */
  begin(inputs: readonly Uint8Array[]): void {
    for (const input of inputs) this.try(input)
    if (this.corpus.entries.length > 0) return
    // The corpus must not be empty.
    this.corpus.add({ input: Uint8Array.of(0), features: [], steps: 0 })
  }

  /** Runs for about `milliseconds`, and stops an execution that does not end. */
  run(milliseconds: number): void {
    const start = performance.now()
    const until = start + milliseconds
    this.#guarded(() => {
      while (performance.now() < until) this.step()
    }, milliseconds + HANGING_MS)
    this.milliseconds += performance.now() - start
  }

  /** Executes a new input. */
  step(): void {
    const random = this.#random
    if (this.#chosen === undefined || this.#left-- <= 0) {
      this.#chosen = this.corpus.choose(random)
      this.#left = ENERGY
    }
    this.try(this.#mutator.mutate(this.#chosen.input, this.corpus.choose(random).input))
  }

  /** Executes an input. */
  try(input: Uint8Array): void {
    this.#current = input
    this.executions++
    this.coverage.clear()
    const start = performance.now()
    const message = this.#failure(input)
    const took = performance.now() - start
    if (message !== undefined) this.#found(message, input)
    else if (took > MAX_EXECUTION_MS && this.#isSlow(input)) this.#found('an execution takes over a second', input)
    else if (this.coverage.learn()) this.#keep(input)
  }

  #failure(input: Uint8Array): string | undefined {
    try {
      this.target.run(input)
      return undefined
    } catch (error) {
      return describe(error)
    }
  }

  #keep(input: Uint8Array): void {
    const features = this.coverage.features()
    const { steps } = this.coverage
    if (input.length <= TRIMMED_ABOVE_BYTES) return this.corpus.add({ input, features, steps })
    const wanted = this.coverage.fingerprint()
    const isSameFinding = (bytes: Uint8Array): boolean => {
      this.executions++
      this.coverage.clear()
      return this.#failure(bytes) === undefined && this.coverage.fingerprint() === wanted
    }
    this.corpus.add({ input: minimize(input, this.target.layout, isSameFinding, TRIMMING_TRIES), features, steps })
  }

  /** Findings that differ only in numbers are the same. */
  #found(message: string, input: Uint8Array): void {
    const key = keyOf(message)
    if (this.#keys.has(key) || this.findings.length >= MAX_FINDINGS) return
    this.#keys.add(key)
    const full = this.#withStack(input) ?? message
    const isReproduced = (bytes: Uint8Array): boolean => {
      const failure = this.#failure(bytes)
      return failure !== undefined && keyOf(failure) === key
    }
    this.findings.push({
      message: full,
      input: isReproduced(input) ? minimize(input, this.target.layout, isReproduced, MINIMIZING_TRIES) : input,
    })
  }

  /** Runs the input again, this time with the stack of an error that is not the target's own. */
  #withStack(input: Uint8Array): string | undefined {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = STACK_LINES
    try {
      return this.#failure(input)
    } finally {
      Error.stackTraceLimit = limit
    }
  }

  /**
   * The only way to stop an endless loop is to run it in a script with a time limit: one script for
   * many executions.
   */
  #guarded(batch: () => void, limit: number): void {
    try {
      batchScript.runInNewContext({ batch }, { timeout: Math.ceil(limit) })
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      if (this.#isSlow(this.#current)) this.findings.push({ message: 'an execution does not end', input: this.#current })
    }
  }

  /** Runs the input again, measuring CPU time: on a busy machine everything is slow. */
  #isSlow(input: Uint8Array): boolean {
    const before = process.cpuUsage()
    try {
      batchScript.runInNewContext({ batch: () => this.#failure(input) }, { timeout: ENDLESS_MS })
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      return true
    }
    return process.cpuUsage(before).user > MAX_EXECUTION_MS * 1_000
  }
}

function keyOf(message: string): string {
  return message.split('\n', 1)[0]!.slice(0, 60).replace(/\d+/g, '#')
}

/**
 * Returns the message, and the location of an error that is not the target's own. The error may be
 * of another realm.
 */
function describe(error: unknown): string {
  if (typeof (error as Error | null)?.message !== 'string') return String(error)
  const { message, name, stack = '' } = error as Error
  return name === 'Violation' ? message : `${message}\n${stack.split('\n').slice(1).join('\n')}`
}
