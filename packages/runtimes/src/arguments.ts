/** Command line of `npm run runtimes`. */

import { parseArgs } from 'node:util'

export interface Arguments {
  /** Names of runtimes; empty for all. */
  readonly runtimes: readonly string[]
  /** Names of suites; empty for all. */
  readonly suites: readonly string[]
  /** Only test files whose path this matches. */
  readonly file: RegExp | undefined
  /** Number of requests of the suite `misroutes`. */
  readonly misroutes: number
  /** Number of processes of the suite `fresh`. */
  readonly fresh: number
  /** Also run the tests that are listed in differences.ts. */
  readonly all: boolean
  /** Write the counts into the page of documentation. */
  readonly docs: boolean
  /** Write the results of each test into this file, as JSON. */
  readonly output: string | undefined
}

export const USAGE = `npm run runtimes [-- --runtime NAME --suite NAME --file PATTERN --misroutes N --fresh N --all --docs --short --output FILE]

Runs the suites of the built packages on Node.js 20, 22, 24 and 26, on Bun and on Deno.
NAME of a runtime: node-20, node-22, node-24, node-26, bun, deno. NAME of a suite: core, coalescing, adapters,
client, interfaces, sharing, misdirected, resumption, fresh, misroutes. Both options may be repeated.
--short runs the suites whose servers run on Node.js, and 1,000 requests of misroutes: for CI.`

/** The suites of `--short`: about a minute for all runtimes. */
const SHORT = ['client', 'interfaces', 'sharing', 'misdirected', 'resumption', 'misroutes']
const SHORT_MISROUTES = 1_000
const DEFAULT_MISROUTES = 20_000
const DEFAULT_FRESH = 50

/** @throws Error naming the invalid argument. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: argv.filter((argument) => argument !== '--'),
    options: {
      runtime: { type: 'string', multiple: true },
      suite: { type: 'string', multiple: true },
      file: { type: 'string' },
      misroutes: { type: 'string' },
      fresh: { type: 'string' },
      all: { type: 'boolean' },
      docs: { type: 'boolean' },
      output: { type: 'string' },
      short: { type: 'boolean' },
    },
  })
  return {
    runtimes: values.runtime ?? [],
    suites: values.suite ?? (values.short === true ? SHORT : []),
    file: values.file === undefined ? undefined : new RegExp(values.file),
    misroutes: positive('--misroutes', values.misroutes, values.short === true ? SHORT_MISROUTES : DEFAULT_MISROUTES),
    fresh: positive('--fresh', values.fresh, DEFAULT_FRESH),
    all: values.all ?? false,
    docs: values.docs ?? false,
    output: values.output,
  }
}

function positive(name: string, given: string | undefined, usual: number): number {
  const value = given === undefined ? usual : Number(given)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a positive integer`)
  return value
}
