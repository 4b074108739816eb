/** Makes the completion script of a shell. */

import type { Command } from 'commander'
import { bashScript } from './bash.js'
import { fishScript } from './fish.js'
import { treeOf } from './tree.js'
import { zshScript } from './zsh.js'

/** Returns the script for a program. */
export function scriptFor(shell: 'bash' | 'zsh' | 'fish', program: Command): string {
  const tree = treeOf(program)
  if (shell === 'bash') return bashScript(tree)
  return shell === 'zsh' ? zshScript(tree) : fishScript(tree)
}
