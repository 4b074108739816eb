/** The command `unshard probe`: its options, and its output. */

import type { Command } from 'commander'
import { type ConnectingValues, connectingOf, withConnecting } from '../connecting.js'
import { CommandError } from '../errors.js'
import { forTerminal, jsonForTerminal } from '../terminal.js'
import { originOf } from '../values.js'
import type { ProbeOptions } from './options.js'

/** Values of the command line. */
export interface ProbeValues extends ConnectingValues {
  readonly json?: boolean
  readonly send?: boolean
  readonly path: string
}

const EXIT_CODES = `
exit code: 0 all origins can share one connection; with --send, responses equal
           1 some cannot
           2 wrong usage, or an origin cannot be reached`

/** Adds the command. */
export function addProbe(program: Command, finish: (exitCode: number) => void): void {
  const command = program
    .command('probe')
    .summary('show which hosts can share a connection, and why others cannot')
    .description(
      'Show which of these origins can share connections, and why the others cannot.\nAn origin without a scheme is https.',
    )
    .argument('<origin...>')
    .option('--send', 'request each over the shared and over a dedicated connection, and compare the responses')
    .option('--path <path>', 'path of those requests', '/')
    .option('--json', 'print one JSON object')
  withConnecting(command)
    .addHelpText('after', EXIT_CODES)
    .action(async (targets: readonly string[], values: ProbeValues) => {
      const options = optionsOf(values)
      const origins = [...new Set(targets.map(originOf))]
      const [{ probe }, { printProbe }] = await Promise.all([import('./probe.js'), import('./print-probe.js')])
      const report = await probe(origins, options)
      console.log(values.json === true ? jsonForTerminal(report) : forTerminal(printProbe(report)))
      finish(report.exitCode)
    })
}

/** Checks the values of the command line. @throws CommandError. */
export function optionsOf({ send = false, path, ...connecting }: ProbeValues): ProbeOptions {
  if (!path.startsWith('/')) throw new CommandError(`--path must begin with a slash, not ${JSON.stringify(path)}`)
  return { send, path, ...connectingOf(connecting) }
}
