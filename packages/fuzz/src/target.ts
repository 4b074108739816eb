/** What a fuzz target is: a function of octets that throws when a promise of the code under test is broken. */

import type { Layout } from './layout.js'

/** A broken promise. The message names the promise first: findings with the same start are the same finding. */
export class Violation extends Error {
  override readonly name: string = 'Violation'
}

let broken: Violation | undefined

/** @throws Violation unless `condition` holds. */
export function must(condition: boolean, what: string): asserts condition {
  if (condition) return
  const violation = new Violation(what)
  broken ??= violation
  throw violation
}

/** Before an execution. */
export function forgetBroken(): void {
  broken = undefined
}

/** The first broken promise once more: the engine catches what is thrown inside a call of its listener. */
export function throwBroken(): void {
  if (broken !== undefined) throw broken
}

export interface Target {
  readonly name: string
  /** How an input is made of units, so that whole units can be moved about. */
  readonly layout: Layout
  /** Inputs to begin with. */
  seeds(): Uint8Array[]
  /**
   * Runs one input. `trace` hears what happens, for a replay.
   * @throws Violation, or whatever the code under test throws, which is a finding as well
   */
  run(input: Uint8Array, trace?: (line: string) => void): void
}
