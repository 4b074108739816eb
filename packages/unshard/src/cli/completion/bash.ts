/** Completion script for bash 3.2 and later. */

import type { CompletedCommand, CompletedOption, Value } from './tree.js'

/** Returns the script. Source it, or save it in a folder of bash-completion. */
export function bashScript([program, ...commands]: readonly [CompletedCommand, ...CompletedCommand[]]): string {
  const { name } = program
  return `# bash completion of ${name}. Use: eval "$(${name} completion bash)"

_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= candidates= files= line word
  COMPREPLY=()
  # bash splits --option=value in three.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  if ((COMP_CWORD > 1)); then command=\${COMP_WORDS[1]}; fi
  case "$command $previous" in
${[program, ...commands].flatMap((command) => valueCases(command, command === program ? '' : command.name)).join('\n')}
    *)
      case $command in
${[branch('', program, commandLines(commands)), ...commands.map((each) => branch(each.name, each, wordLines(each.argument)))].join('\n')}
      esac
      ;;
  esac
  if [[ -n $files ]]; then
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$files" -- "$current")
    compopt -o filenames 2>/dev/null
    return
  fi
  while IFS= read -r line; do
    word=\${line%%$'\\t'*}
    if [[ -n $word && $word == "$current"* ]]; then COMPREPLY+=("$line"); fi
  done <<<"$candidates"
  # A list for the reader (63) has descriptions; a word to insert has none.
  local i
  for i in "\${!COMPREPLY[@]}"; do
    word=\${COMPREPLY[i]%%$'\\t'*}
    if ((COMP_TYPE == 63 && \${#COMPREPLY[@]} > 1)); then
      COMPREPLY[i]=$(printf '%-26s %s' "$word" "\${COMPREPLY[i]#*$'\\t'}")
    else
      COMPREPLY[i]=$word
    fi
  done
}

complete -F _${name} ${name}
`
}

/** Branches for the word after an option with a value. */
function valueCases({ options }: CompletedCommand, command: string): string[] {
  return options
    .filter(({ value }) => value !== undefined)
    .map(({ names, value }) => {
      const patterns = names.map((name) => quoted(`${command} ${name}`)).join(' | ')
      return `    ${patterns}) ${assigned(value!)} ;;`
    })
}

function assigned(value: Value): string {
  if (value === 'file') return 'files=-f'
  if (value === 'folder') return 'files=-d'
  return value === 'text' ? 'return' : `candidates=${quoted(wordLines(value))}`
}

/** Branch of a command: its options after a dash, or its arguments. */
function branch(name: string, { options, argument }: CompletedCommand, words: string): string {
  const otherwise = argument === 'file' || argument === 'folder' ? assigned(argument) : `candidates=${quoted(words)}`
  return `        ${quoted(name)}) if [[ $current == -* ]]; then candidates=${quoted(optionLines(options))}; else ${otherwise}; fi ;;`
}

function optionLines(options: readonly CompletedOption[]): string {
  return options.flatMap(({ names, description }) => names.map((name) => `${name}\t${description}`)).join('\n')
}

function commandLines(commands: readonly CompletedCommand[]): string {
  return commands.map(({ name, description }) => `${name}\t${description}`).join('\n')
}

function wordLines(value: Value): string {
  return typeof value === 'string' ? '' : value.join('\n')
}

function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\t', '\\t')
  return `$'${escaped}'`
}
