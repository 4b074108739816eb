/** Reduces the command line to what completion scripts need. */

import type { Command, Option } from 'commander'
import { allOptions } from '../command-options.js'

/** Kind of a value: a file, a folder, one of some words, or any text. */
export type Value = 'file' | 'folder' | 'text' | readonly string[]

/** One option. */
export interface CompletedOption {
  /** Such as `-c` and `--concurrency`. */
  readonly names: readonly string[]
  readonly description: string
  /** `undefined` for an option without a value. */
  readonly value: Value | undefined
  /** Name of the value in help. */
  readonly placeholder: string
  readonly isRepeatable: boolean
}

/** One command. */
export interface CompletedCommand {
  readonly name: string
  readonly description: string
  readonly options: readonly CompletedOption[]
  /** Value of its arguments. */
  readonly argument: Value
}

/** Describes the program, which is the first element, and each of its commands. */
export function treeOf(program: Command): readonly [CompletedCommand, ...CompletedCommand[]] {
  return [commandOf(program), ...program.commands.map(commandOf)]
}

function commandOf(command: Command): CompletedCommand {
  const values = command.registeredArguments.map((argument) => kindOf(argument.name(), argument.argChoices))
  return {
    name: command.name(),
    description: command.summary() || command.description(),
    options: allOptions(command).map(optionOf),
    argument: values.find((value) => value !== 'text') ?? 'text',
  }
}

function optionOf(option: Option): CompletedOption {
  const { short, long, description, required, optional, flags } = option
  const placeholder = flags.slice(flags.search(/[<[]/) + 1, -1)
  return {
    names: [short, long].filter((name) => name !== undefined),
    description,
    value: required || optional ? kindOf(placeholder, option.argChoices) : undefined,
    placeholder,
    isRepeatable: Array.isArray(option.defaultValue) || option.variadic,
  }
}

/** The name of a value says what it is, as in `<file>`, `<file[:password]>` and `<output-dir>`. */
function kindOf(name: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return choices
  const words = name.split('[')[0]!.split('-')
  if (words.includes('file')) return 'file'
  return words.includes('dir') || words.includes('folder') ? 'folder' : 'text'
}
