/** The end of the demo: where its files lie, and the offer to open the page. */

import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { ask, demoFiles, openerOf, writePage } from '../src/demo/waterfall.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unshard-demo-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

it('the files are in the same folder in each run, for their owner only', async () => {
  const files = demoFiles(folder)
  expect(demoFiles(folder)).toEqual(files)
  await writeFile(files.har, JSON.stringify({ log: { entries: [] } }))
  writePage(files)
  expect(await readFile(files.page, 'utf8')).toContain('<title>The demo of unshard</title>')
  expect([(await stat(dirname(files.page))).mode & 0o777, (await stat(files.page)).mode & 0o777]).toEqual([0o700, 0o600])
})

it('a link in place of the folder is not followed', async () => {
  const elsewhere = join(folder, 'elsewhere')
  await mkdir(elsewhere)
  const usual = dirname(demoFiles(folder).page)
  await rm(usual, { recursive: true })
  await symlink(elsewhere, usual)
  expect(dirname(demoFiles(folder).page)).not.toBe(usual)
})

it('opens a page with the program of the system, on a desktop only', async () => {
  expect(openerOf('/x.html', 'darwin', {})).toEqual(['open', '/x.html'])
  expect(openerOf('/x.html', 'win32', {})).toEqual(['explorer.exe', '/x.html'])
  expect(openerOf('/x.html', 'darwin', { CI: 'true' })).toBe(undefined)
  await writeFile(join(folder, 'xdg-open'), '')
  await chmod(join(folder, 'xdg-open'), 0o755)
  expect(openerOf('/x.html', 'linux', { PATH: folder, DISPLAY: ':0' })).toEqual(['xdg-open', '/x.html'])
  expect(openerOf('/x.html', 'linux', { PATH: folder })).toBe(undefined)
  expect(openerOf('/x.html', 'linux', { PATH: '', WAYLAND_DISPLAY: 'wayland-0' })).toBe(undefined)
})

it.each([
  ['y\n', true],
  ['YES\n', true],
  ['\n', false],
  ['n\n', false],
  ['yesterday\n', false],
])('the answer %j opens it: %s', async (answer, isYes) => {
  const input = new PassThrough()
  const asked = ask('Open? ', input, new PassThrough())
  input.write(answer)
  expect(await asked).toBe(isYes)
})

it('without an answer, or with an input that ends, it is not opened', async () => {
  expect(await ask('Open? ', new PassThrough(), new PassThrough(), 1)).toBe(false)
  const ended = new PassThrough()
  ended.end()
  expect(await ask('Open? ', ended, new PassThrough())).toBe(false)
})
