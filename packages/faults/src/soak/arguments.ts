/** Command line of `pnpm soak`. */

import { parseArgs } from 'node:util'
import { positive } from '../arguments.js'

export interface SoakArguments {
  readonly seconds: number | undefined
  readonly seed: number
  readonly aborts: number | undefined
  readonly goaways: number | undefined
}

export const USAGE = `pnpm soak [--seconds N] [--seed N] [--aborts N] [--goaways N]

mixed load for N seconds (default 60), N aborts on one connection, N connections that each receive GOAWAY`

const DEFAULT_SECONDS = 60

/** @throws Error naming the invalid argument. `now` is the default seed. */
export function readSoakArguments(argv: readonly string[], now: number): SoakArguments {
  const { values } = parseArgs({
    args: argv.filter((argument) => argument !== '--'),
    options: {
      seconds: { type: 'string' },
      seed: { type: 'string' },
      aborts: { type: 'string' },
      goaways: { type: 'string' },
    },
  })
  const [aborts, goaways] = [positive('--aborts', values.aborts), positive('--goaways', values.goaways)]
  const other = aborts !== undefined || goaways !== undefined
  return {
    seconds: positive('--seconds', values.seconds) ?? (other ? undefined : DEFAULT_SECONDS),
    seed: positive('--seed', values.seed) ?? (now % 0x7fff_fffe) + 1,
    aborts,
    goaways,
  }
}
