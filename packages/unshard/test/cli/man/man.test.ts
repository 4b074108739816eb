/** The man pages of `packages/unshard/man`: `npm run reference` writes them. */

import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ManCommand, type ManPage, manPages } from '../../../../testkit/src/reference/man.js'
import { programOf } from '../../../src/cli/run.js'
import { hostileProgram } from '../completion/hostile-program.js'

const folder = fileURLToPath(new URL('../../../man/', import.meta.url))
const pages = manPages(programOf(() => undefined, true) as unknown as ManCommand)
const hostile = manPages(hostileProgram() as unknown as ManCommand)
const titled = (all: readonly ManPage[]): [string, ManPage][] => all.map((page) => [page.file, page])

const hasGroff = spawnSync('groff', ['--version']).status === 0
if (!hasGroff) console.warn('groff is not installed: the man pages are not formatted')

function formatted({ text }: ManPage): { out: string; warnings: string } {
  const { stdout, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-rHY=0'], {
    input: text,
    encoding: 'utf8',
    env: { ...process.env, GROFF_NO_SGR: '1' },
  })
  // Bold is a character, a backspace, and the character.
  return { out: stdout.replaceAll(/.\x08/g, ''), warnings: stderr }
}

it('there is a page for the program and one for each command, and the package lists them', () => {
  const files = pages.map(({ file }) => file)
  expect(readdirSync(folder).sort()).toEqual([...files].sort())
  const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as Record<string, string[]>
  expect(manifest['man']).toEqual(files.map((file) => `./man/${file}`))
  expect(manifest['files']).toContain('man')
})

it.each(titled(pages))('%s is up to date', (file, { text }) => {
  expect(readFileSync(folder + file, 'utf8')).toBe(text)
})

const ifGroff = hasGroff ? it : it.skip

ifGroff.each(titled(pages))('%s is formatted without a warning', (_file, page) => {
  const { out, warnings } = formatted(page)
  expect(warnings).toBe('')
  for (const head of ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'SEE ALSO']) expect(out).toContain(`\n${head}\n`)
})

ifGroff('a page has the options, their defaults, and the exit codes', () => {
  const { out } = formatted(pages.find(({ file }) => file === 'unshard-bench.1')!)
  expect(out).toContain('unshard-bench - measure how fast a server answers')
  expect(out).toMatch(/-c, --concurrency <n>\n +requests in flight \(default: 100\)/)
  expect(out).toMatch(/EXIT STATUS\n +0 +each request got a response/)
  expect(out).toMatch(/\n +130 +ended by Ctrl-C/)
})

ifGroff.each(titled(hostile))('%s of a command line with special characters shows them, and runs no request', (file, page) => {
  const { out, warnings } = formatted(page)
  expect(warnings).toBe('')
  const words = out.replaceAll(/\s+/g, ' ')
  expect(words).toContain('\'quote" `back` $HOME $(touch harm) [brackets] a:b \\ back {x,y} * ? ! # % & | ; < > ~ …')
  if (file === 'unshard-do.1') expect(words).toContain(".SH 'quote")
})

it('man finds nothing to complain about', () => {
  try {
    execFileSync('man', ['--version'], { stdio: 'ignore' })
  } catch {
    return console.warn('man is not installed: the pages are not shown by it')
  }
  const env = { ...process.env, LC_ALL: 'C.UTF-8', MANROFFOPT: '', MANWIDTH: '80' }
  const { stderr, status } = spawnSync('man', ['--warnings', '-l', `${folder}unshard.1`], { env, encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
})
