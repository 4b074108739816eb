/** Completion script for fish. */

import type { CompletedCommand, CompletedOption, Value } from './tree.js'

/** Returns the script. Save it as `unshard.fish` in a folder of `fish_complete_path`, or source it. */
export function fishScript([program, ...commands]: readonly [CompletedCommand, ...CompletedCommand[]]): string {
  const { name } = program
  const complete = `complete -c ${name}`
  const none = `${complete} -n __${name}_has_no_command`
  return `# fish completion of ${name}. Use: ${name} completion fish | source

function __${name}_has_no_command
  test (count (commandline -opc)) -eq 1
end

function __${name}_has_command
  set -l words (commandline -opc)
  test (count $words) -gt 1; and test "$words[2]" = "$argv[1]"
end

${complete} -f
${[
  ...program.options.map((option) => `${none} ${optionText(option)}`),
  ...commands.map((each) => `${none} -a ${each.name} -d ${quoted(each.description)}`),
  ...commands.flatMap((command) => {
    const within = `${complete} -n ${quoted(`__${name}_has_command ${command.name}`)}`
    const argument = valueText(command.argument)
    return [
      ...command.options.map((option) => `${within} ${optionText(option)}`),
      ...(argument === '' ? [] : [`${within} ${argument}`]),
    ]
  }),
].join('\n')}
`
}

function optionText({ names, description, value }: CompletedOption): string {
  const parts = names.map((name) => (name.startsWith('--') ? `-l ${quoted(name.slice(2))}` : `-s ${name.slice(1)}`))
  const taken = value === undefined ? [] : [value === 'file' ? '-r' : '-x', valueText(value)].filter((part) => part !== '')
  return [...parts, ...taken, '-d', quoted(description)].join(' ')
}

function valueText(value: Value): string {
  if (value === 'file') return '-F'
  if (value === 'folder') return "-a '(__fish_complete_directories)'"
  return value === 'text' ? '' : `-a ${quoted(value.join(' '))}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
