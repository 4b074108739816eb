/** The options of a command, for help, completion scripts and man pages. */

import { type Command, Help, type Option } from 'commander'

/** Returns the options that the command declares, hidden ones included, and then those that commander adds. */
export function allOptions(command: Command): Option[] {
  const builtIn = new Help().visibleOptions(command).filter((option) => !command.options.includes(option))
  return [...command.options, ...builtIn]
}
