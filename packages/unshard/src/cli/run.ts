/** Parses the command line and runs one command. Each command is loaded when it runs. */

import { Command, type Option } from 'commander'
import { addBench } from './bench/command.js'
import { allOptions } from './command-options.js'
import { addCompletion } from './completion/command.js'
import { CommandError, shownFailure } from './errors.js'
import { addExplain } from './explain/command.js'
import { addGet } from './get/command.js'
import { addHar } from './har/command.js'
import { addInspect } from './inspect/command.js'
import { addProbe } from './probe/command.js'
import { forTerminal } from './terminal.js'
import { VERSION } from './version.js'
import { addWaterfall } from './waterfall/command.js'

/** Adds a command to the program. @param finish called with the exit code of a command that has run. */
export type AddCommand = (program: Command, finish: (exitCode: number) => void) => void

const COMMANDS: readonly AddCommand[] = [
  ...[addGet, addBench, addProbe, addExplain],
  ...[addHar, addWaterfall, addInspect, addCompletion],
]

const EPILOGUE = `
unshard <command> --help shows the options of a command.
Guide: https://github.com/unshard/unshard/blob/main/docs/reference/cli.md`

/** Returns the whole command line, without running it. */
export function programOf(finish: (exitCode: number) => void, showsAll: boolean = false): Command {
  const program = new Command('unshard')
    .description('HTTP/2-first client: one connection for many hosts')
    .usage('<command> [options]')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .enablePositionalOptions()
    .addHelpText('after', EPILOGUE)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .configureHelp({
      visibleOptions: (command) => shownOptions(command, showsAll),
      optionDescription,
      subcommandTerm: (command) => command.name(),
    })
  for (const add of COMMANDS) add(program, finish)
  for (const command of program.commands) {
    command.copyInheritedSettings(program).helpOption('-h, --help', 'print this help')
    if (command.options.some(({ hidden }) => hidden)) command.addHelpText('after', '\n--help all shows all options.')
  }
  return program
}

/** Runs one command. @returns the exit code: see docs/reference/cli.md. */
export async function run(argv: readonly string[]): Promise<number> {
  let exitCode = 0
  const program = programOf((code) => {
    exitCode = code
  }, asksForAll(argv))
  try {
    if (argv.length === 0) throw new CommandError('no command')
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    const failure = shownFailure(error)
    if (failure === undefined) return 0
    const [command] = argv
    const isCommand = program.commands.some((each) => each.name() === command)
    console.error(forTerminal(`unshard: ${failure.line}`))
    if (failure.exitCode === 2) console.error(`Try "unshard ${isCommand ? `${command} ` : ''}--help".`)
    return failure.exitCode
  }
}

function shownOptions(command: Command, showsAll: boolean): Option[] {
  return allOptions(command).filter(({ hidden }) => showsAll || !hidden)
}

/** Defaults without a meaning to readers, such as an empty list, are left out. */
function optionDescription({ description, defaultValue, argChoices }: Option): string {
  const notes = [
    ...(argChoices === undefined ? [] : [argChoices.join(', ')]),
    ...(typeof defaultValue === 'string' ? [`default: ${defaultValue}`] : []),
  ]
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`
}

function asksForAll(argv: readonly string[]): boolean {
  const at = argv.findIndex((argument) => argument === '--help' || argument === '-h')
  return at !== -1 && argv[at + 1] === 'all'
}
