/**
 * `pnpm wpt`: runs the fetch part of the web platform tests, from an undici checkout, against a
 * subject. Results go to standard output, progress to standard error. Exit code 2 for an invalid
 * command line; failures are reported as figures, not as an exit code.
 */

import { type Arguments, ArgumentsError, parseArguments, USAGE } from './arguments.js'
import { figuresOf, lostAgainst, toText } from './report.js'
import { runSubject } from './run.js'

await main()

async function main(): Promise<void> {
  const options = readArguments()
  if (options === undefined) return
  const report = (line: string): void => console.error(line)
  const outcome = await runSubject(options, options.subject, options.wire, report)
  const reference = options.compare ? await runSubject(options, 'builtin', 'h1', report) : undefined
  const lost = reference === undefined ? [] : lostAgainst(reference, outcome)
  if (options.json) {
    const { subject, wire, files } = outcome
    console.log(JSON.stringify({ node: process.version, subject, wire, ...figuresOf(outcome), lost, results: files }))
    return
  }
  console.log(toText(outcome))
  if (reference === undefined) return
  const { subtests, passed } = figuresOf(reference)
  console.log(`builtin over h1: ${passed} of ${subtests} subtests passed; ${lost.length} of them fail here:`)
  for (const name of lost) console.log(`LOST ${name}`)
}

function readArguments(): Arguments | undefined {
  try {
    return parseArguments(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof ArgumentsError)) throw error
    console.error(`${error.message}\n${USAGE}`)
    process.exitCode = 2
    return undefined
  }
}
