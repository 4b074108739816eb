/** The command `unshard get`. */

import type { Command } from 'commander'

/** Adds the command. */
export function addGet(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('get')
    .summary("transfer URLs, with curl's options")
    .argument('[url...]')
    .action(() => finish(0))
}
