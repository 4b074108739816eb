/**
 * Features of the client's code: each function and each block that was executed, by the place at which
 * it begins.
 *
 * V8 reports a block only where its count differs from that around it. Blocks are therefore found by
 * the characters that were executed, not by their reports.
 *
 * Only the first execution counts. V8 loses the count of a function that it has inlined, which depends
 * on time; a function that runs for the first time is never inlined. For the same reason a block that
 * is left out is no feature: a world may report its function, or not.
 */

import type { CoveredFunction, CoveredScript } from './coverage.js'

/** The half of a run that was the first to reach a feature. */
export const DRAWN = 1
export const STEERED = 2
export type Half = typeof DRAWN | typeof STEERED

/** Bits of each character of one script. */
class ScriptFeatures {
  /** Places at which a function or a block begins. */
  readonly starts: Set<number> = new Set()
  /** The half that was the first to execute each character. */
  executed: Uint8Array
  /** The characters that the current world has executed. */
  #current: Uint8Array

  constructor(length: number) {
    this.executed = new Uint8Array(length)
    this.#current = new Uint8Array(length)
  }

  /** Returns the number of features that no half has reached before. */
  learn(functions: readonly CoveredFunction[], half: Half): number {
    this.#grow(functions)
    this.#current.fill(0)
    let news = 0
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        this.starts.add(startOffset)
        this.#current.fill(count > 0 ? 1 : 0, startOffset, endOffset)
      }
    }
    for (const start of this.starts) if (this.#current[start] === 1 && this.executed[start] === 0) news++
    for (let at = 0; at < this.#current.length; at++)
      if (this.#current[at] === 1 && this.executed[at] === 0) this.executed[at] = half
    return news
  }

  #grow(functions: readonly CoveredFunction[]): void {
    const length = endOf(functions)
    if (length <= this.#current.length) return
    const grown = (old: Uint8Array): Uint8Array => {
      const bits = new Uint8Array(length)
      bits.set(old)
      return bits
    }
    this.executed = grown(this.executed)
    this.#current = grown(this.#current)
  }
}

export class Features {
  readonly scripts: Map<string, ScriptFeatures> = new Map()

  /** Returns the number of features that were not reached before. */
  learn(taken: readonly CoveredScript[], half: Half): number {
    let news = 0
    for (const { url, functions } of taken) {
      let script = this.scripts.get(url)
      if (script === undefined) {
        script = new ScriptFeatures(endOf(functions))
        this.scripts.set(url, script)
      }
      news += script.learn(functions, half)
    }
    return news
  }

  /** Returns the number of features that a half was the first to reach. */
  count(half: Half): number {
    let count = 0
    for (const { starts, executed } of this.scripts.values()) {
      for (const start of starts) if (executed[start] === half) count++
    }
    return count
  }
}

function endOf(functions: readonly CoveredFunction[]): number {
  return functions.reduce((end, { ranges }) => Math.max(end, ranges[0]!.endOffset), 0)
}
