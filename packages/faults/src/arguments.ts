/** Command line of `pnpm faults`. */

import { parseArgs } from 'node:util'
import { EXPECTED } from './expected/table.js'
import { KINDS, type Kind, PHASES, type Phase } from './phases.js'

export interface Arguments {
  /** Names of faults; empty for all. */
  readonly only: readonly string[]
  readonly phases: readonly Phase[]
  readonly kinds: readonly Kind[]
  readonly seed: number
  /** Number of cells to run, chosen by the seed. */
  readonly sample: number | undefined
  /** Parallel cells. */
  readonly jobs: number
  readonly json: boolean
}

export const USAGE: string = `pnpm faults [--only F03[,F04]] [--phase PHASE] [--kind KIND] [--seed N] [--sample N] [--jobs N] [--json]

faults: ${Object.keys(EXPECTED).join(' ')}
phases: ${PHASES.join(' ')}
kinds: ${KINDS.join(' ')}`

const DEFAULT_JOBS = 6

/** @throws Error naming the invalid argument. `now` is the default seed. */
export function readArguments(argv: readonly string[], now: number): Arguments {
  const { values } = parseArgs({
    args: argv.filter((argument) => argument !== '--'),
    options: {
      only: { type: 'string' },
      phase: { type: 'string' },
      kind: { type: 'string' },
      seed: { type: 'string' },
      sample: { type: 'string' },
      jobs: { type: 'string' },
      json: { type: 'boolean' },
    },
  })
  return {
    only: chosen('fault', values.only, Object.keys(EXPECTED)),
    phases: chosen('phase', values.phase, PHASES),
    kinds: chosen('kind', values.kind, KINDS),
    seed: positive('--seed', values.seed) ?? (now % 0x7fff_fffe) + 1,
    sample: positive('--sample', values.sample),
    jobs: positive('--jobs', values.jobs) ?? DEFAULT_JOBS,
    json: values.json ?? false,
  }
}

function chosen<Name extends string>(what: string, text: string | undefined, names: readonly Name[]): readonly Name[] {
  if (text === undefined) return names
  return text.split(',').map((name) => {
    const known = names.find((each) => each === name)
    if (known === undefined) throw new Error(`unknown ${what} ${name}`)
    return known
  })
}

/** Parses a whole number above 0. @throws Error naming the option. */
export function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(Number.isInteger(value) && value > 0 && value <= 0x7fff_ffff)) throw new Error(`${name} ${text} is not a number above 0`)
  return value
}
