/** Completion script for zsh. */

import type { CompletedCommand, CompletedOption, Value } from './tree.js'

/** Returns the script. Save it as `_unshard` in a folder of `fpath`, or source it after `compinit`. */
export function zshScript([program, ...commands]: readonly [CompletedCommand, ...CompletedCommand[]]): string {
  const { name } = program
  return `#compdef ${name}
# zsh completion of ${name}. Use: ${name} completion zsh > a folder of fpath/_${name}

_${name}() {
  local curcontext=$curcontext context state state_descr line ret=1
  local -a commands
  typeset -A opt_args
  _arguments -C \\
${program.options.flatMap(optionSpecs).map(argumentLine).join('\n')}
    '1:command:->command' \\
    '*::argument:->argument' && ret=0
  case $state in
    command)
      commands=(
${commands.map((each) => `        ${quoted(`${each.name}:${each.description}`)}`).join('\n')}
      )
      _describe -t commands command commands && ret=0
      ;;
    argument)
      case $words[1] in
${commands.map(branch).join('\n')}
      esac
      ;;
  esac
  return ret
}

if [[ $funcstack[1] == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`
}

function branch({ name, options, argument }: CompletedCommand): string {
  return `        ${name})
          _arguments -s \\
${options
  .flatMap(optionSpecs)
  .map((spec) => `      ${argumentLine(spec)}`)
  .join('\n')}
            ${quoted(`*:argument:${actionOf(argument)}`)} && ret=0
          ;;`
}

function argumentLine(spec: string): string {
  return `    ${quoted(spec)} \\`
}

/** One specification for each name: a name that was given excludes the others. */
function optionSpecs({ names, description, value, placeholder, isRepeatable }: CompletedOption): string[] {
  const excluded = isRepeatable ? '*' : `(${names.join(' ')})`
  const argument = value === undefined ? '' : `:${escaped(placeholder)}:${actionOf(value)}`
  return names.map((name) => `${excluded}${name}${suffix(name, value)}[${escaped(description)}]${argument}`)
}

/** The value may follow the name directly, or as the next word. */
function suffix(name: string, value: Value | undefined): string {
  if (value === undefined) return ''
  return name.startsWith('--') ? '=' : '+'
}

function actionOf(value: Value): string {
  if (value === 'file') return '_files'
  if (value === 'folder') return '_files -/'
  return value === 'text' ? ' ' : `(${value.join(' ')})`
}

function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
