/** The command line as a whole. */

import { readFile } from 'node:fs/promises'
import { programOf } from '../../src/cli/run.js'
import { commandFixture } from './fixture.js'
import { failureOf } from './in-process.js'

const { unshard } = commandFixture()

it.each([
  [[], 'no command'],
  [['download', 'a.example'], "unknown command 'download'"],
  [['prob', 'a.example'], "unknown command 'prob' (Did you mean probe?)"],
  [['--frobnicate'], "unknown option '--frobnicate'"],
])('%j is refused in one line, with a hint at --help', async (argv, message) => {
  const { exitCode, lines } = await failureOf(argv)
  expect(lines).toEqual([`unshard: ${message}`, 'Try "unshard --help".'])
  expect(exitCode).toBe(2)
})

it.each([['--help'], ['-h'], ['--version'], ['-V']])('%s prints to standard output and succeeds', async (flag) => {
  const { code, stdout, stderr } = await unshard(flag)
  expect(code).toBe(0)
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^(Usage: unshard <command> \[options\]|\d+\.\d+\.\d+)/)
})

it.each(programOf(() => undefined).commands.map((command) => [command.name()]))(
  'unshard %s --help fits a screen of 80 columns and 40 lines',
  async (name) => {
    const { code, stdout } = await unshard(name, '--help')
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(40)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  },
)

it('--version prints the version of the package', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  expect((await unshard('--version')).stdout).toBe(`${version}\n`)
})
