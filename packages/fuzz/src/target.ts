/** A fuzz target: a function of bytes that throws if the code under test breaks an invariant. */

import type { Layout } from './layout.js'

/**
 * A broken invariant. The message starts with the invariant: findings with the same start are the
 * same finding.
 */
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

/** Called before an execution. */
export function forgetBroken(): void {
  broken = undefined
}

/**
 * Throws the first broken invariant again: the engine catches errors thrown inside calls of its
 * listener.
 */
export function throwBroken(): void {
  if (broken !== undefined) throw broken
}

export interface Target {
  readonly name: string
  /** Splits inputs into units, so that whole units can be moved. */
  readonly layout: Layout
  /** Initial inputs. */
  seeds(): Uint8Array[]
  /**
   * Runs one input. `trace` gets a line per event, for a replay.
   * @throws Violation, or any error of the code under test, which is a finding as well.
   */
  run(input: Uint8Array, trace?: (line: string) => void): void
}
