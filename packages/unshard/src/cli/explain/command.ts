/** The command `unshard explain`. */

import type { Command } from 'commander'
import { colorsOf } from '../colors.js'
import { type ConnectingValues, connectingOf, withConnecting } from '../connecting.js'
import { jsonForTerminal } from '../terminal.js'
import { originOf } from '../values.js'

/** Values of the command line. */
interface ExplainValues extends ConnectingValues {
  readonly json?: boolean
}

const EXIT_CODES = `
exit code: 0 explained
           2 wrong usage, or a host cannot be resolved or reached`

/** Adds the command. */
export function addExplain(program: Command, finish: (exitCode: number) => void): void {
  const command = program
    .command('explain')
    .summary('show which connection a request would use, and why')
    .description(
      'Show what a request to <url> would do: use an open connection, or dial.\nThe others are connected to first. Nothing is sent to <url>.',
    )
    .argument('<url>', 'URL to explain; without a scheme, https')
    .argument('[others...]', 'URLs whose connections are open')
    .option('--json', 'print one JSON object')
  withConnecting(command)
    .addHelpText('after', EXIT_CODES)
    .action(async (url: string, others: readonly string[], values: ExplainValues) => {
      const options = connectingOf(values)
      const origin = originOf(url)
      const warm = [...new Set(others.map(originOf))]
      const [{ explain }, { printExplain }] = await Promise.all([import('./explain.js'), import('./print-explain.js')])
      const report = await explain(origin, warm, options)
      console.log(values.json === true ? jsonForTerminal(report) : printExplain(report, colorsOf(process.stdout)))
      finish(report.exitCode)
    })
}
