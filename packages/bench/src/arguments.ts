/** Parses the command line. Pure. */

import { parseArgs } from 'node:util'

export interface Arguments {
  /** In the given order; all if none is given. */
  readonly scenarios: readonly string[]
  readonly json: boolean
  /** Write the plots. */
  readonly plot: boolean
  /** Write the plots and tables of the documentation. */
  readonly docs: boolean
  /** Folder for the CPU profile of each client process; none without it. */
  readonly profileFolder?: string
  readonly seconds: number
  readonly warmupSeconds: number
  readonly rounds: number
  /** Round-trip time of the cold start, in milliseconds. */
  readonly roundTripMs: number
  /** Ignore installed servers. */
  readonly ownServer: boolean
}

export class ArgumentsError extends Error {}

export const USAGE =
  'usage: pnpm bench [scenario…] [--json] [--plot] [--docs] [--seconds N] [--rounds N] [--warmup SECONDS] [--round-trip MS] [--own-server] [--profile FOLDER]'

/** @throws ArgumentsError naming the unknown option, value or scenario. */
export function parseArguments(argv: readonly string[], known: readonly string[]): Arguments {
  const { values, positionals } = split(argv)
  const unknown = positionals.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new ArgumentsError(`unknown scenario ${JSON.stringify(unknown)}; known scenarios: ${known.join(', ')}`)
  return {
    scenarios: positionals.length === 0 ? known : [...new Set(positionals)],
    json: values.json === true,
    plot: values.plot === true,
    docs: values.docs === true,
    ...(values.profile !== undefined && { profileFolder: values.profile }),
    seconds: numberFrom('seconds', values.seconds ?? '2', (value) => value > 0 && value <= 600, 'a number above 0, at most 600'),
    warmupSeconds: numberFrom('warmup', values.warmup ?? '1', (value) => value <= 600, 'a number from 0 to 600'),
    rounds: numberFrom(
      'rounds',
      values.rounds ?? '5',
      (value) => Number.isInteger(value) && value > 0 && value <= 1000,
      'a whole number from 1 to 1000',
    ),
    roundTripMs: numberFrom('round-trip', values['round-trip'] ?? '40', (value) => value <= 1000, 'a number from 0 to 1000'),
    ownServer: values['own-server'] === true,
  }
}

const OPTIONS = {
  json: { type: 'boolean' },
  plot: { type: 'boolean' },
  docs: { type: 'boolean' },
  profile: { type: 'string' },
  'own-server': { type: 'boolean' },
  seconds: { type: 'string' },
  rounds: { type: 'string' },
  warmup: { type: 'string' },
  'round-trip': { type: 'string' },
} as const

interface Split {
  readonly values: Partial<
    Record<'json' | 'plot' | 'docs' | 'own-server', boolean> &
      Record<'seconds' | 'rounds' | 'warmup' | 'round-trip' | 'profile', string>
  >
  readonly positionals: readonly string[]
}

function split(argv: readonly string[]): Split {
  // `pnpm bench -- --json` passes the two dashes on.
  const args = argv.filter((arg, index) => !(arg === '--' && index === 0))
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new ArgumentsError((error as Error).message.split('. ')[0])
  }
}

function numberFrom(option: string, text: string, allowed: (value: number) => boolean, range: string): number {
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && allowed(value)) return value
  throw new ArgumentsError(`--${option} takes ${range}, not ${JSON.stringify(text)}`)
}
