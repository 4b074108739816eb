/** A command line whose descriptions have the characters that are special in shells and in roff. */

import { Command, Option } from 'commander'

/** Returns the program. */
export function hostileProgram(): Command {
  const odd = `'quote" \`back\` $HOME $(touch harm) [brackets] a:b \\ back {x,y} * ? ! # % & | ; < > ~ …`
  const program = new Command('unshard').description(odd)
  program
    .command('do')
    .summary(odd)
    .description(`.SH ${odd}\n'line\n.`)
    .argument('[what]', odd)
    .option('--odd', odd)
    .option('--into <output-dir>', odd)
    .addOption(new Option('-s, --secret [file]', odd).hideHelp())
  return program
}
