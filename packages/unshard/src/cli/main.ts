#!/usr/bin/env node
/**
 * The command `unshard`: results on standard output, errors on standard error, the outcome as the
 * exit code.
 */

import { ArgumentsError, parseArguments, USAGE } from './arguments.js'
import { get } from './get.js'
import { printGet } from './print-get.js'
import { printProbe } from './print-probe.js'
import { probe } from './probe.js'
import { forTerminal, jsonForTerminal } from './terminal.js'
import { VERSION } from './version.js'

const USAGE_ERROR = 2

/** Runs one command. @returns the exit code: see docs/reference/cli.md. */
async function run(argv: readonly string[]): Promise<number> {
  const parsed = parseArguments(argv)
  if (parsed.command === 'help') {
    console.log(USAGE)
    return 0
  }
  if (parsed.command === 'version') {
    console.log(VERSION)
    return 0
  }
  if (parsed.command === 'get') {
    const report = await get(parsed.targets, parsed.options)
    console.log(parsed.options.json ? jsonForTerminal(report) : forTerminal(printGet(report)))
    return report.exitCode
  }
  const report = await probe(parsed.targets, parsed.options)
  console.log(parsed.options.json ? jsonForTerminal(report) : forTerminal(printProbe(report)))
  return report.exitCode
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  console.error(
    forTerminal(
      error instanceof ArgumentsError ? `unshard: ${error.message}\n\n${USAGE}` : `unshard: ${(error as Error).message}`,
    ),
  )
  process.exitCode = USAGE_ERROR
}
