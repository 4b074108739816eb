/**
 * Features of the client's code: each function and block that was executed, and each block that was
 * not executed by a whole world although its function was. A feature has the place at which it begins.
 *
 * V8 reports a block only where its count differs from that around it. A block that is unknown so far
 * is therefore found by the characters that were executed, not by its report.
 */

import type { CoveredFunction, CoveredScript } from './coverage.js'

/** The half of a run that has reached a feature, as one bit. */
export const DRAWN = 1
export const STEERED = 2
export type Half = typeof DRAWN | typeof STEERED

/** Bits of each character of one script. */
class ScriptFeatures {
  /** Places at which a function or a block begins. */
  readonly starts: Set<number> = new Set()
  executed: Uint8Array
  skipped: Uint8Array
  /** What the current world has executed. */
  #current: Uint8Array

  constructor(length: number) {
    this.executed = new Uint8Array(length)
    this.skipped = new Uint8Array(length)
    this.#current = new Uint8Array(length)
  }

  /** Returns the number of features that no half has reached before. */
  learn(functions: readonly CoveredFunction[], half: Half): number {
    this.#grow(functions)
    this.#current.fill(0)
    let news = 0
    for (const { ranges } of functions) {
      const isExecuted = ranges[0]!.count > 0
      for (const { startOffset, endOffset, count } of ranges) {
        this.starts.add(startOffset)
        this.#current.fill(count > 0 ? 1 : 0, startOffset, endOffset)
        if (isExecuted && count === 0) news += mark(this.skipped, startOffset, half)
      }
    }
    for (const start of this.starts) if (this.#current[start] === 1) news += mark(this.executed, start, half)
    for (let at = 0; at < this.#current.length; at++) if (this.#current[at] === 1) this.executed[at]! |= half
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
    this.skipped = grown(this.skipped)
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

  /** Number of functions and blocks executed, and of blocks left out: all those of a half, or those of that half alone. */
  count(isCounted: (halves: number) => boolean): { readonly executed: number; readonly skipped: number } {
    let executed = 0
    let skipped = 0
    for (const script of this.scripts.values()) {
      for (const start of script.starts) {
        if (isCounted(script.executed[start]!)) executed++
        if (isCounted(script.skipped[start]!)) skipped++
      }
    }
    return { executed, skipped }
  }
}

/** Returns 1 if no half has reached the feature before. */
function mark(bits: Uint8Array, at: number, half: Half): 0 | 1 {
  const before = bits[at]!
  bits[at] = before | half
  return before === 0 ? 1 : 0
}

function endOf(functions: readonly CoveredFunction[]): number {
  return functions.reduce((end, { ranges }) => Math.max(end, ranges[0]!.endOffset), 0)
}
