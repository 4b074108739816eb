/** The command `unshard probe`: its options, and its output. */

import { isIP } from 'node:net'
import type { Command } from 'commander'
import { CommandError, invalidValue } from '../errors.js'
import { forTerminal, jsonForTerminal } from '../terminal.js'
import { fileOf, hostOf, millisecondsOf, originOf } from '../values.js'
import type { ProbeOptions } from './options.js'

/** Values of the command line. */
export interface ProbeValues {
  readonly json?: boolean
  readonly send?: boolean
  readonly path: string
  readonly resolve: readonly string[]
  readonly cacert?: string
  readonly timeout: string
}

const EXIT_CODES = `
exit code: 0 all origins can share one connection; with --send, responses equal
           1 some cannot
           2 wrong usage, or an origin cannot be reached`

/** Adds the command. */
export function addProbe(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('probe')
    .summary('show which hosts can share a connection, and why others cannot')
    .description(
      'Show which of these origins can share connections, and why the others cannot.\nAn origin without a scheme is https.',
    )
    .argument('<origin...>')
    .option('--send', 'request each over the shared and over a dedicated connection, and compare the responses')
    .option('--path <path>', 'path of those requests', '/')
    .option('--json', 'print one JSON object')
    .option('--resolve <host=address,…>', 'use these addresses for this host; may be repeated', collected, [])
    .option('--cacert <file>', "trust these authorities (PEM) instead of Node's")
    .option('--timeout <seconds>', 'for each connection and for each response', '10')
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
export function optionsOf({ send = false, path, resolve, cacert, timeout }: ProbeValues): ProbeOptions {
  if (!path.startsWith('/')) throw new CommandError(`--path must begin with a slash, not ${JSON.stringify(path)}`)
  const timeoutMs = millisecondsOf('--timeout', timeout)
  if (timeoutMs === 0) throw invalidValue('--timeout', 'seconds above 0', timeout)
  return {
    ...{ send, path, timeoutMs },
    resolve: new Map(resolve.map(parseResolve)),
    ca: cacert === undefined ? undefined : fileOf('--cacert', cacert).toString(),
  }
}

function collected(text: string, before: readonly string[]): readonly string[] {
  return [...before, text]
}

function parseResolve(text: string): [host: string, addresses: string[]] {
  const equals = text.indexOf('=')
  const addresses = text.slice(equals + 1).split(',')
  const host = equals < 1 ? undefined : hostOf(text.slice(0, equals))
  if (host === undefined || addresses.some((address) => isIP(address) === 0)) {
    throw invalidValue('--resolve', 'HOST=ADDRESS[,ADDRESS…]', text)
  }
  return [host, addresses]
}
