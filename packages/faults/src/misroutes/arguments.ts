/** Command line of `pnpm misroutes`. */

import { parseArgs } from 'node:util'
import { positive } from '../arguments.js'

export interface MisroutesArguments {
  readonly requests: number
  readonly seed: number
}

export const USAGE = `pnpm misroutes [--requests N] [--seed N]

N random requests (default 100,000) to 50 origins on 8 addresses with 5 certificates; none may reach a
connection that the rules refuse`

const DEFAULT_REQUESTS = 100_000

/** @throws Error naming the invalid argument. `now` is the default seed. */
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
