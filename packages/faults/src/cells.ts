/** The list of cells: every fault in every phase, for every kind of request. */

import type { Outcome } from './expected/outcome.js'
import { EXPECTED } from './expected/table.js'
import { FAULTS } from './fault/all.js'
import { KINDS, type Kind, PHASES, type Phase } from './phases.js'

export interface Cell {
  readonly fault: string
  readonly phase: Phase
  readonly kind: Kind
}

/** `F03 tls get`. */
export function nameOf({ fault, phase, kind }: Cell): string {
  return `${fault} ${phase} ${kind}`
}

export function allCells(): Cell[] {
  const cells: Cell[] = []
  for (const [fault, row] of Object.entries(EXPECTED)) {
    for (const phase of PHASES) if (row[phase] !== undefined) for (const kind of KINDS) cells.push({ fault, phase, kind })
  }
  return cells
}

/**
 * Returns the expected outcomes of a cell by variant; one without a name if there are no variants.
 */
export function expectationsOf({ fault, phase, kind }: Cell): ReadonlyMap<string, Outcome> {
  const expected = EXPECTED[fault]?.[phase]
  if (expected === undefined) throw new Error(`${fault} has no phase ${phase}`)
  const outcomeFor = (each: string | readonly string[]): Outcome => (typeof each === 'string' ? each : each[KINDS.indexOf(kind)]!)
  if (typeof expected === 'string' || Array.isArray(expected)) return new Map([['', outcomeFor(expected as string)]])
  return new Map(Object.entries(expected).map(([variant, each]) => [variant, outcomeFor(each as string)]))
}

/** Programs that a cell needs in a network namespace; `undefined` for a cell that runs anywhere. */
export function kernelNeeds({ fault, phase }: Cell): readonly string[] | undefined {
  return FAULTS[fault]!.kernel?.(phase)
}
