/** The command `unshard waterfall`. */

import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { CommandError } from '../errors.js'
import { fileOf } from '../values.js'

/** Values of the command line. */
interface WaterfallValues {
  readonly output: string
  readonly title?: string
}

/** Readable by the user alone: a page has what the requests had. */
const PERMISSIONS = 0o600
/** curl's exit code for a file that cannot be written. */
const WRITE_EXIT = 23

const EXIT_CODES = `
exit code: 0 written
           2 wrong usage, or the file is not a HAR
          23 the page cannot be written`

/** Adds the command. */
export function addWaterfall(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('waterfall')
    .summary('draw the requests of a HAR file as a page')
    .description('Draw the requests of a HAR file as a waterfall: one HTML file that needs no network.')
    .argument('<file>', 'HAR 1.2, such as unshard get --har and browsers write')
    .requiredOption('-o, --output <page>', 'the page; - is standard output')
    .option('--title <text>', 'title of the page; default: the name of the file')
    .addHelpText('after', EXIT_CODES)
    .action(async (file: string, { output, title = basename(file) }: WaterfallValues) => {
      const text = fileOf('waterfall', file).toString()
      const { waterfallPage } = await import('@unshard/adapters/inspect')
      const page = waterfallPage(text, { title })
      if (output === '-') process.stdout.write(page)
      else writePage('--output', output, page)
      finish(0)
    })
}

/** Writes a page. @throws CommandError with the exit code 23. */
export function writePage(option: string, path: string, page: string): void {
  try {
    writeFileSync(path, page, { mode: PERMISSIONS })
  } catch (error) {
    throw new CommandError(`${option}: ${(error as Error).message}`, WRITE_EXIT)
  }
}
