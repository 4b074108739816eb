/** `unshard completion`: its scripts, run by the shells themselves. */

import { execFile, execFileSync } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { scriptFor } from '../../../src/cli/completion/script.js'
import { programOf } from '../../../src/cli/run.js'
import { commandFixture, runFolder } from '../fixture.js'
import { failureOf } from '../in-process.js'
import { hostileProgram } from './hostile-program.js'

const run = promisify(execFile)
const { unshard, environment } = commandFixture()
const program = programOf(() => undefined)
const names = program.commands.map((command) => command.name())

/** Runs a shell that has sourced a script. */
function inShell(shell: Shell, script: string, ...words: string[]): Promise<string[]> {
  return inFolder(shell, '.script', script, words)
}

/**
 * Runs a shell in a folder with the files `ca.pem` and `one file.har`, the folder `sub` and a script. @returns the
 * candidates that it printed.
 */
async function inFolder(shell: Shell, scriptFile: string, script: string, words: readonly string[]): Promise<string[]> {
  const folder = await runFolder(environment)
  await Promise.all(['sub', 'functions'].map((name) => mkdir(join(folder, name))))
  await Promise.all(['ca.pem', 'one file.har'].map((name) => writeFile(join(folder, name), '')))
  await writeFile(join(folder, scriptFile), script)
  const env = { ...process.env, HOME: folder, TERM: 'dumb', LC_ALL: 'C.UTF-8' }
  const { stdout } = await run(shell, COMPLETE[shell](words), { cwd: folder, env })
  // Words of the script were not executed.
  expect(await readdir(folder)).not.toContain('harm')
  return [...new Set(stdout.split('\n').filter((line) => line !== ''))]
}

/** Programs of the shells that print the candidates for the last word. Each prints a description after a tab if it has one. */
const COMPLETE = {
  bash: (words: readonly string[]) => [
    ...['--norc', '--noprofile', '-c'],
    `source .script; COMP_TYPE=\${COMP_TYPE-9}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _unshard; printf "%s\\n" "\${COMPREPLY[@]}"`,
    'bash',
    ...words,
  ],
  fish: (words: readonly string[]) => ['--no-config', '-c', `source .script; complete -C '${words.join(' ')}'`],
  zsh: (words: readonly string[]) => ['-f', '-c', ZSH, 'zsh', words.join(' ')],
} as const

/** Completes in a terminal of zsh: `compadd` prints instead of adding. */
const ZSH = `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PROMPT= ; unsetopt zle_bracketed_paste; fpath=(./functions $fpath); autoload -Uz compinit && compinit -D -u; [[ -e .script ]] && source ./.script"
zpty -w z 'compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  typeset -a found shown
  local at=\${@[(I)-d]}
  (( at )) && { at=$((at + 1)); shown=( "\${(@P)\${@[at]}}" ) }
  builtin compadd -A found -D shown "$@"
  local i
  for i in {1..$#found}; do [[ -n $found[i] ]] && print -r -- "<<\${found[i]}>>"; done
  builtin compadd "$@"
}'
zpty -w z 'complete-and-end() { zle complete-word; print -r -- "<<end>>" }; zle -N complete-and-end; bindkey "^I" complete-and-end; print "<<re""ady>>"'
while zpty -r z line; do [[ $line == *'<<ready>>'* ]] && break; done
zpty -w -n z "$1"$'\\t'
while zpty -r z line; do
  [[ $line == *'<<end>>'* ]] && break
  while [[ $line == *'<<'*'>>'* ]]; do print -r -- "\${\${line#*<<}%%>>*}"; line=\${line#*>>}; done
done
zpty -d z
`

type Shell = keyof typeof COMPLETE

const SHELLS = Object.keys(COMPLETE) as Shell[]

function isInstalled(shell: string): boolean {
  try {
    execFileSync(shell, ['-c', 'exit'], { stdio: 'ignore' })
    return true
  } catch {
    console.warn(`${shell} is not installed: its completions are not tested`)
    return false
  }
}

/** zsh compiles its completion system for each of the runs. */
const STARTS_SLOWLY_MS = 60_000

describe.each(SHELLS.filter(isInstalled))('%s', (shell) => {
  const script = scriptFor(shell, program)
  const completed = async (...words: string[]): Promise<string[]> => {
    const found = await inShell(shell, script, 'unshard', ...words)
    return found.map((line) => line.split('\t')[0]!.trim()).sort()
  }

  it(
    'the command prints the script',
    async () => {
      expect(await unshard('completion', shell)).toEqual({ code: 0, stdout: script, stderr: '' })
    },
    STARTS_SLOWLY_MS,
  )

  it(
    'completes commands',
    async () => {
      expect(await completed('')).toEqual([...names].sort())
      expect(await completed('ex')).toEqual(['explain'])
    },
    STARTS_SLOWLY_MS,
  )

  it(
    'completes options of a command',
    async () => {
      expect(await completed('bench', '--c')).toEqual(['--cacert', '--concurrency', '--connections'])
      expect(await completed('har', 'x.har', '--so')).toEqual(['--sort'])
      expect(await completed('har', '--js')).toEqual(['--json'])
    },
    STARTS_SLOWLY_MS,
  )

  it(
    'completes the value of an option: a file, a word of a list, or nothing',
    async () => {
      expect(await completed('bench', '--cacert', 'c')).toEqual(['ca.pem'])
      expect(await completed('har', '--sort', 's')).toEqual(['size', 'start', 'status'])
      expect(await completed('bench', '-X', '')).toEqual([])
    },
    STARTS_SLOWLY_MS,
  )

  it(
    'completes an argument: a file, a word of a list, or nothing',
    async () => {
      expect((await completed('har', 'one')).map((name) => name.replaceAll('\\', ''))).toEqual(['one file.har'])
      expect(await completed('completion', '')).toEqual(['bash', 'fish', 'zsh'])
      expect(await completed('bench', '')).toEqual([])
    },
    STARTS_SLOWLY_MS,
  )

  it(
    'quotes, brackets and other characters of descriptions do no harm',
    async () => {
      const hostile = scriptFor(shell, hostileProgram())
      expect((await inShell(shell, hostile, 'unshard', 'do', '--od')).map((line) => line.split('\t')[0])).toEqual(['--odd'])
      expect(await inShell(shell, hostile, 'unshard', 'do', '--into', 's')).toEqual([expect.stringMatching(/^sub\/?/)])
    },
    STARTS_SLOWLY_MS,
  )
})

it(
  'zsh loads the script from a folder of fpath',
  async () => {
    if (!isInstalled('zsh')) return
    const script = scriptFor('zsh', program)
    expect(await inFolder('zsh', 'functions/_unshard', script, ['unshard', 'ex'])).toEqual(['explain'])
    expect(await inFolder('zsh', 'functions/_unshard', script, ['unshard', 'har', '--so'])).toEqual(['--sort'])
  },
  STARTS_SLOWLY_MS,
)

it('fish shows the description of each option', async () => {
  if (!isInstalled('fish')) return
  const found = await inShell('fish', scriptFor('fish', program), 'unshard', 'har', '--so')
  expect(found).toEqual(['--sort\torder of the requests'])
})

it('bash shows the descriptions in a list, and completes --option=value', async () => {
  const script = scriptFor('bash', program)
  const listed = await inShell('bash', `${script}\nCOMP_TYPE=63`, 'unshard', 'bench', '--ca')
  expect(listed).toEqual(['--cacert'])
  const several = await inShell('bash', `${script}\nCOMP_TYPE=63`, 'unshard', 'bench', '--co')
  expect(several).toEqual([
    `${'--connections'.padEnd(26)} open this many connections (HTTP/2: 1, HTTP/1.1: up to 6)`,
    `${'--concurrency'.padEnd(26)} requests in flight`,
  ])
  expect(await inShell('bash', script, 'unshard', 'har', '--sort', '=', 'st')).toEqual(['start', 'status'])
  expect(await inShell('bash', script, 'unshard', 'har', '--sort', '=')).toEqual(['start', 'duration', 'size', 'status'])
})

it.each([
  [['completion'], "missing required argument 'shell'"],
  [['completion', 'powershell'], "'powershell' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish."],
])('%j is refused in one line, with a hint at --help', async (argv, message) => {
  const { exitCode, lines } = await failureOf(argv)
  expect(lines[0]).toContain(message)
  expect([exitCode, lines[1], lines.length]).toEqual([2, 'Try "unshard completion --help".', 2])
})
