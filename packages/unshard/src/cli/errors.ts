/** Errors of the command line. */

import { CommanderError } from 'commander'

/** Exit code for a command line that is not valid, as in curl. */
export const USAGE_EXIT = 2

/** A command cannot do its work. Its message is printed without a stack. */
export class CommandError extends Error {
  readonly exitCode: number

  /** @param exitCode 1 to 255; default {@link USAGE_EXIT}. */
  constructor(message: string, exitCode: number = USAGE_EXIT) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Returns the error for a value of an option, which names the option. */
export function invalidValue(option: string, expected: string, given: string): CommandError {
  return new CommandError(`${option} takes ${expected}, not ${JSON.stringify(given)}`)
}

/** Returns the one line that an error prints, and its exit code; `undefined` if nothing has failed (`--help`). */
export function shownFailure(error: unknown): { readonly line: string; readonly exitCode: number } | undefined {
  if (error instanceof CommandError) return { line: error.message, exitCode: error.exitCode }
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return undefined
    return { line: error.message.replace(/^error: /, '').replace('\n', ' '), exitCode: USAGE_EXIT }
  }
  return { line: error instanceof Error ? error.message : String(error), exitCode: USAGE_EXIT }
}
