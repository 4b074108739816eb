/** The command line of `pnpm misroutes`. */

import { parseArgs } from 'node:util'
import { positive } from '../arguments.js'

export interface MisroutesArguments {
  readonly requests: number
  readonly seed: number
}

export const USAGE = `pnpm misroutes [--requests N] [--seed N]

N random requests (100,000 where nothing is said) over 50 origins, 8 addresses and 5 certificates, and none may reach a connection that the
rules refuse`

const DEFAULT_REQUESTS = 100_000

/** @throws Error with what is wrong. `now` gives the seed where none is named. */
export function readMisroutesArguments(argv: readonly string[], now: number): MisroutesArguments {
  const { values } = parseArgs({
    args: argv.filter((argument) => argument !== '--'),
    options: { requests: { type: 'string' }, seed: { type: 'string' } },
  })
  return {
    requests: positive('--requests', values.requests) ?? DEFAULT_REQUESTS,
    seed: positive('--seed', values.seed) ?? (now % 0x7fff_fffe) + 1,
  }
}
