/** The command `unshard inspect`. */

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Command } from 'commander'
import { CommandError } from '../errors.js'
import { integerOf } from '../values.js'

/** Values of the command line. */
interface InspectValues {
  readonly port: string
  readonly keep?: true
}

const HIGHEST_PORT = 65_535
/** Exit code of a program that a signal ended, as shells have it: this and the number of the signal. */
const SIGNAL_EXIT = 128

const NOTE = `
The page is at the URL that is printed when the program starts; only this
machine can open it. The exit code is that of the program.`

/** Adds the command. */
export function addInspect(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('inspect')
    .summary('run a Node.js program and show its requests in a browser')
    .description('Run a Node.js program, and show its requests in a browser as they happen.')
    .argument('<program>', 'JavaScript file')
    .argument('[arguments...]', 'of the program')
    .option('--port <number>', 'port of the page; 0 is any free port', '8229')
    .option('--keep', 'keep the page when the program has nothing left to do')
    .passThroughOptions()
    .addHelpText('after', NOTE)
    .action(async (file: string, args: readonly string[], { port, keep }: InspectValues) => {
      finish(await runProgram([file, ...args], integerOf('--port', port, 0, HIGHEST_PORT), keep === true))
    })
}

/** Runs a program with the page. @returns its exit code. @throws CommandError if it cannot be started. */
async function runProgram(program: readonly string[], port: number, isKept: boolean): Promise<number> {
  const register = import.meta.resolve('unshard/inspect/register')
  const env = { ...process.env, UNSHARD_INSPECT_PORT: `${port}`, ...(isKept && { UNSHARD_INSPECT_KEEP: '1' }) }
  const child = spawn(process.execPath, ['--import', register, ...program], { stdio: 'inherit', env })
  // The terminal sends Ctrl-C to both; the program decides when it ends.
  const ignore = (): void => undefined
  const pass = (): void => void child.kill('SIGTERM')
  process.on('SIGINT', ignore).on('SIGTERM', pass)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (error) => reject(new CommandError(`${program[0]} cannot be started: ${error.message}`)))
      child.once('close', (code, signal) => resolve(code ?? SIGNAL_EXIT + constants.signals[signal!]))
    })
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', pass)
  }
}
