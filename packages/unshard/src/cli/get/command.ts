/** The command `unshard get`. */

import { Command } from 'commander'
import { addOptions, splitAtNext, valuesOf } from './options.js'

const NOTE = `
As in curl, a URL without a scheme is http, and {a,b} and [1-9] make several.
Exit codes are curl's: 6 no address, 7 no connection, 22 status (-f), 28 time.`

/** Adds the command. */
export function addGet(program: Command, finish: (exitCode: number) => void): void {
  const command = addOptions(program.command('get'))
    .summary("transfer URLs, with curl's options")
    .description('Transfer URLs: HTTP/2 where the server has it, one connection for many hosts.')
    .argument('[url...]')
    .usage('[options] <url...>')
    .addHelpText('after', NOTE)
    .action(async () => {
      const argv = program.parent?.args ?? rawArguments(program)
      const parts = splitAtNext(argv, command.options)
      const { runGet } = await import('./run.js')
      finish(await runGet(parts.map((part) => valuesOf(addOptions(new Command('get')), part))))
    })
}

/** The arguments after the name of the command. */
function rawArguments(program: Command): readonly string[] {
  const raw = (program as Command & { readonly rawArgs: readonly string[] }).rawArgs
  return raw.slice(raw.indexOf('get') + 1)
}
