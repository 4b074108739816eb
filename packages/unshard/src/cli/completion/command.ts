/** The command `unshard completion`. */

import { Argument, type Command } from 'commander'

const SHELLS = ['bash', 'zsh', 'fish'] as const

const USE = `
bash  in ~/.bashrc: eval "$(unshard completion bash)"
zsh   in ~/.zshrc, after compinit: source <(unshard completion zsh)
fish  unshard completion fish > ~/.config/fish/completions/unshard.fish`

/** Adds the command. */
export function addCompletion(program: Command, finish: (exitCode: number) => void): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Print a script with which a shell completes commands, options and files.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', USE)
    .action(async (shell: (typeof SHELLS)[number]) => {
      const { scriptFor } = await import('./script.js')
      process.stdout.write(scriptFor(shell, program))
      finish(0)
    })
}
