/** Files and standard input that options name: `-` and `@-` are standard input, which is read once. */

import { readFileSync } from 'node:fs'
import { CommandError } from '../errors.js'
import { Exit } from './exit-codes.js'

/** Reads what an option names. @throws CommandError with curl's exit code 26. */
export function readInput(option: string, path: string): Buffer {
  try {
    return readFileSync(path === '-' ? 0 : path)
  } catch (error) {
    throw new CommandError(`${option}: ${(error as Error).message}`, Exit.READ)
  }
}

/** Returns the text, or the content of the file that `@file` names. */
export function textOrFile(option: string, text: string): string {
  return text.startsWith('@') ? readInput(option, text.slice(1)).toString() : text
}
