/** Command line of `pnpm wpt`. */

import { parseArgs } from 'node:util'

/** The `fetch` under test. */
export type Subject = 'unshard' | 'builtin' | 'undici'
/** Protocol to the suite's server. */
export type Wire = 'h1' | 'h2'

/** Options of a run. */
export interface Arguments {
  /** An undici checkout: its `test/wpt` and `test/fixtures/wpt` are used. */
  readonly suite: string
  readonly subject: Subject
  readonly wire: Wire
  readonly json: boolean
  /**
   * Also run Node's built-in `fetch` over HTTP/1.1, and list the subtests that it passes and the
   * subject does not.
   */
  readonly compare: boolean
  /** Run only files whose path contains this. */
  readonly only: string
}

export const USAGE = `usage: pnpm wpt --suite <undici checkout> [--subject unshard|builtin|undici] [--protocol h1|h2]
                [--only <part of a path>] [--compare] [--json]`

/** The command line is invalid. */
export class ArgumentsError extends Error {}

/** @throws ArgumentsError naming the argument. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values } = parse(argv)
  const { suite, subject = 'unshard', protocol = 'h1', only = '', json = false, compare = false } = values
  if (suite === undefined) throw new ArgumentsError('--suite is missing')
  if (!isOneOf(subject, ['unshard', 'builtin', 'undici'])) throw new ArgumentsError(`unknown subject ${JSON.stringify(subject)}`)
  if (!isOneOf(protocol, ['h1', 'h2'])) throw new ArgumentsError(`unknown protocol ${JSON.stringify(protocol)}`)
  if (subject === 'builtin' && protocol === 'h2') throw new ArgumentsError("Node's built-in fetch does not speak HTTP/2")
  return { suite, subject, wire: protocol, json, compare, only }
}

const OPTIONS = {
  suite: { type: 'string' },
  subject: { type: 'string' },
  protocol: { type: 'string' },
  only: { type: 'string' },
  json: { type: 'boolean' },
  compare: { type: 'boolean' },
} as const

function parse(argv: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>> {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS })
  } catch (cause) {
    throw new ArgumentsError((cause as Error).message, { cause })
  }
}

function isOneOf<const T extends string>(text: string, all: readonly T[]): text is T {
  return (all as readonly string[]).includes(text)
}
