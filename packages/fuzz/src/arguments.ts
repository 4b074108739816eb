/** Command line of the fuzzer. */

import { parseArgs } from 'node:util'
import { TARGET_NAMES } from './load-target.js'

export interface Arguments {
  readonly seconds: number
  readonly seed: number
  readonly targets: readonly string[]
  readonly saveCorpus: boolean
  /** File with one input to replay. */
  readonly replay: string | undefined
  /** Print the coverage of each file at the end. */
  readonly files: boolean
}

export const USAGE: string = `pnpm fuzz [--seconds N] [--target NAME] [--seed N] [--save-corpus] [--files]
pnpm fuzz --replay FILE [--target NAME]

targets: ${TARGET_NAMES.join(', ')}; the time is divided among all unless one is named`

const DEFAULT_SECONDS = 60

/** @throws Error naming the invalid argument. `now` is the default seed. */
export function readArguments(argv: readonly string[], now: number): Arguments {
  const { values } = parseArgs({
    args: argv.filter((argument) => argument !== '--'),
    options: {
      seconds: { type: 'string' },
      seed: { type: 'string' },
      target: { type: 'string' },
      replay: { type: 'string' },
      'save-corpus': { type: 'boolean' },
      files: { type: 'boolean' },
    },
  })
  const { target } = values
  if (target !== undefined && !(TARGET_NAMES as readonly string[]).includes(target)) throw new Error(`unknown target ${target}`)
  return {
    seconds: positive('--seconds', values.seconds, DEFAULT_SECONDS),
    seed: positive('--seed', values.seed, (now % 0x7fff_fffe) + 1),
    targets: target === undefined ? TARGET_NAMES : [target],
    saveCorpus: values['save-corpus'] ?? false,
    replay: values.replay,
    files: values.files ?? false,
  }
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!(value > 0 && value <= 0x7fff_ffff)) throw new Error(`${name} ${text} is not a number above 0`)
  return value
}
