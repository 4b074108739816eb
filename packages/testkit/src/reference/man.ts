/** The man pages of the command, from its command line: one for the program, and one for each command. */

/** Parts of commander's `Option` that a page shows. */
interface ManOption {
  readonly flags: string
  readonly helpGroupHeading?: string | undefined
}

/** Parts of commander's `Help`. */
interface ManHelp<Command> {
  visibleOptions(command: Command): ManOption[]
  optionDescription(option: ManOption): string
  commandUsage(command: Command): string
}

/** Parts of commander's `Command`. */
export interface ManCommand {
  readonly commands: readonly ManCommand[]
  readonly registeredArguments: readonly { readonly description: string; name(): string }[]
  name(): string
  summary(): string
  description(): string
  createHelp(): ManHelp<ManCommand>
  emit(event: string, context: object): boolean
}

/** A page. */
export interface ManPage {
  /** Name of the file, such as `unshard-get.1`. */
  readonly file: string
  readonly text: string
}

/** Makes the pages. @param program with every option visible. */
export function manPages(program: ManCommand): ManPage[] {
  const name = program.name()
  const pages = program.commands.map((command) => {
    const title = `${name}-${command.name()}`
    return { file: `${title}.1`, text: pageOf(command, title, [`.BR ${escaped(name)} (1)`]) }
  })
  const list = program.commands.flatMap((command) => [
    '.TP',
    `.BR ${escaped(`${name}-${command.name()}`)} (1)`,
    lines(command.summary()),
  ])
  const others = pages.map(({ file }) => `.BR ${escaped(file.slice(0, -2))} (1)`)
  return [{ file: `${name}.1`, text: pageOf(program, name, others, ['.SH COMMANDS', ...list]) }, ...pages]
}

function pageOf(command: ManCommand, title: string, others: readonly string[], commands: readonly string[] = []): string {
  const help = command.createHelp()
  const parts = [
    `.\\" Made by "npm run reference". Do not edit.`,
    `.TH ${escaped(title.toUpperCase())} 1 "" "${escaped(title.split('-')[0]!)}" "User Commands"`,
    '.SH NAME',
    `${escaped(title)} \\- ${lines(command.summary() || command.description())}`,
    '.SH SYNOPSIS',
    lines(help.commandUsage(command)),
    '.SH DESCRIPTION',
    lines(command.description()),
    ...argumentLines(command),
    ...commands,
    ...optionLines(command, help),
    ...afterLines(command),
    '.SH SEE ALSO',
    others.map((other, i) => (i === others.length - 1 ? other : `${other},`)).join('\n'),
  ]
  return `${parts.join('\n')}\n`
}

function argumentLines({ registeredArguments }: ManCommand): string[] {
  return registeredArguments
    .filter(({ description }) => description !== '')
    .flatMap((argument) => ['.TP', `\\fI${escaped(argument.name())}\\fR`, lines(argument.description)])
}

/** Options under their headings. */
function optionLines(command: ManCommand, help: ManHelp<ManCommand>): string[] {
  const groups = new Map<string, ManOption[]>()
  for (const option of help.visibleOptions(command)) {
    const heading = option.helpGroupHeading ?? ''
    groups.set(heading, [...(groups.get(heading) ?? []), option])
  }
  const sections = [...groups].flatMap(([heading, options]) => [
    ...(heading === '' ? [] : [`.SS ${escaped(heading.replace(':', ''))}`]),
    ...options.flatMap((option) => ['.TP', flagsOf(option), lines(help.optionDescription(option))]),
  ])
  return ['.SH OPTIONS', ...sections]
}

/** Names in bold, the value in italics. */
function flagsOf({ flags }: ManOption): string {
  const space = flags.search(/ [<[]/)
  const names = (space === -1 ? flags : flags.slice(0, space)).split(', ').map((name) => `\\fB${escaped(name)}\\fR`)
  return space === -1 ? names.join(', ') : `${names.join(', ')} \\fI${escaped(flags.slice(space + 1))}\\fR`
}

/** Text below the options of the help: exit codes and notes, with their columns. */
function afterLines(command: ManCommand): string[] {
  let text = ''
  command.emit('afterHelp', {
    error: false,
    command,
    write: (part: string) => {
      text += part
    },
  })
  // The page has all options already.
  const shown = text.split('\n').filter((line) => line !== '' && !line.startsWith('--help all'))
  if (shown.length === 0) return []
  const start = shown.findIndex((line) => line.startsWith('exit code'))
  const notes = start === -1 ? shown : shown.slice(0, start)
  const codes = start === -1 ? [] : shown.slice(start).map((line) => line.replace('exit code:', '').trim())
  return [
    ...(notes.length === 0 ? [] : ['.SH NOTES', '.nf', ...notes.map(lines), '.fi']),
    ...(codes.length === 0 ? [] : ['.SH EXIT STATUS', ...codes.flatMap(exitLines)]),
  ]
}

function exitLines(line: string): string[] {
  const space = line.indexOf(' ')
  return ['.TP', `\\fB${escaped(line.slice(0, space))}\\fR`, lines(line.slice(space + 1))]
}

/** Text in which line ends are kept, and no line is a request of roff. */
function lines(text: string): string {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (/^[ .']/.test(line) ? `\\&${escaped(line)}` : escaped(line)))
    .join('\n.br\n')
}

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\(rs',
  '-': '\\-',
  "'": '\\(aq',
  '"': '\\(dq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
}

/** Escapes what roff would change: an unescaped hyphen cannot be copied, and characters outside ASCII depend on the reader. */
function escaped(text: string): string {
  return text.replace(/[\\\-'"`^~]|[^\x20-\x7e]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
    return SPECIAL[character] ?? `\\[u${code}]`
  })
}
