/** The command `unshard har`. */

import { type Command, Option } from 'commander'
import { colorsOf } from '../colors.js'
import { jsonForTerminal } from '../terminal.js'
import { fileOf } from '../values.js'
import { SORTS, type Sort } from './select.js'

/** Values of the command line. */
interface HarValues {
  readonly by?: 'connection'
  readonly filter?: string
  readonly sort: Sort
  readonly json?: boolean
}

const EXIT_CODES = `
exit code: 0 printed
           2 wrong usage, or the file is not a HAR`

/** Columns where the output is not a terminal. */
const DEFAULT_COLUMNS = 120

/** Adds the command. */
export function addHar(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('har')
    .summary('print the requests of a HAR file')
    .description(
      'Print one line for each request of a HAR file, and totals.\nThe file may come from any program: nothing in it is trusted.',
    )
    .argument('<file>', 'HAR 1.2, such as recordHar() and browsers write')
    .addOption(new Option('--by <group>', 'group requests').choices(['connection']))
    .option('--filter <text>', 'only those whose method, URL, status or reason has this text')
    .addOption(new Option('--sort <order>', 'order of the requests').choices(SORTS).default('start'))
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXIT_CODES)
    .action(async (file: string, { by, filter, sort, json = false }: HarValues) => {
      const [{ harLines }, { filtered, sorted, totalsOf }, { printHar }] = await Promise.all([
        import('./entries.js'),
        import('./select.js'),
        import('./print-har.js'),
      ])
      const all = harLines(fileOf('har', file), file)
      const lines = sorted(filter === undefined ? all : filtered(all, filter), sort)
      const totals = totalsOf(lines)
      const { columns = DEFAULT_COLUMNS } = process.stdout
      const print = { lines, totals, isGrouped: by === 'connection', columns, colors: colorsOf(process.stdout) }
      console.log(json ? jsonForTerminal({ entries: lines, totals }) : printHar(print))
      finish(0)
    })
}
