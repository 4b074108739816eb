/** Arguments of `pnpm sim`. */

import { parseArgs } from 'node:util'
import { WORLD_NAMES } from './draw/worlds.js'

export interface Arguments {
  /** First seed. */
  readonly seed: number
  /** Number of seeds; Infinity if a time limit ends the run. */
  readonly seeds: number
  /** Ends after this simulated time, in milliseconds. */
  readonly simulatedMs: number
  /** Ends after this real time, in milliseconds. */
  readonly realMs: number
  readonly world: string | undefined
  /** File with a script to run instead of seeds. */
  readonly script: string | undefined
  readonly shrink: boolean
  /** Ends after the first seed with a finding. */
  readonly untilFinding: boolean
  readonly trace: boolean
  readonly json: boolean
  /** Whether scripts that reach new branches of the client are changed and run again. */
  readonly steer: boolean
  /** Findings are printed as `ALARM:` lines, and the exit code is 0. */
  readonly alarm: boolean
}

export const USAGE: string = `pnpm sim [options]

Runs the client in modelled worlds, one for each seed, and judges what it does.

  --seeds N      number of seeds (default 100)
  --seed S       first seed (default 1); with --trace or --shrink, the only one
  --hours H      ends after H simulated hours, whatever the number of seeds
  --seconds N    ends after N seconds of real time
  --world NAME   ${WORLD_NAMES.join(', ')} (default: drawn from the seed)
  --script FILE  runs the script in FILE, as --shrink prints it
  --shrink       makes the script of a failing seed as small as possible, and prints it
  --until-finding  ends after the first seed with a finding
  --trace        prints every network event and outcome
  --steer        changes scripts that reach new branches of the client, and runs them again;
                 those with findings are written to packages/sim/findings, for --script
  --alarm        prints findings as ALARM: lines, with exit code 0
  --json         prints one object as the last line
`

/** @throws TypeError for an unknown or invalid argument. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ seeds: { type: 'string' }, seed: { type: 'string' }, hours: { type: 'string' }, seconds: { type: 'string' } },
      ...{
        world: { type: 'string' },
        script: { type: 'string' },
        'until-finding': { type: 'boolean' },
        shrink: { type: 'boolean' },
        trace: { type: 'boolean' },
      },
      ...{ steer: { type: 'boolean' }, alarm: { type: 'boolean' }, json: { type: 'boolean' } },
    },
  })
  const { shrink = false, trace = false, steer = false, alarm = false, json = false, world, script } = values
  if (world !== undefined && !WORLD_NAMES.includes(world)) throw new TypeError(`--world must be one of ${WORLD_NAMES.join(', ')}`)
  const isOne =
    values.seed !== undefined && values.seeds === undefined && values.hours === undefined && values.seconds === undefined
  const isTimed = values.hours !== undefined || values.seconds !== undefined
  return {
    ...{ shrink, trace, steer, alarm, json, world, script, untilFinding: values['until-finding'] === true },
    seed: numberOf('seed', values.seed, 1),
    seeds: numberOf('seeds', values.seeds, isOne ? 1 : isTimed ? Number.POSITIVE_INFINITY : 100),
    simulatedMs: numberOf('hours', values.hours, Number.POSITIVE_INFINITY) * 3_600_000,
    realMs: numberOf('seconds', values.seconds, Number.POSITIVE_INFINITY) * 1_000,
  }
}

function numberOf(name: string, given: string | undefined, initial: number): number {
  if (given === undefined) return initial
  const value = Number(given)
  if (given === '' || !(value >= 0)) throw new TypeError(`--${name} must be a number, not ${JSON.stringify(given)}`)
  return value
}
