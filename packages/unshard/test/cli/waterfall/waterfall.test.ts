/** `unshard waterfall`, and `unshard get --report`: pages of recordings. */

import { getFixture } from '../get/fixture.js'
import { failureOf } from '../in-process.js'

const { server, folder } = getFixture()

it('draws a recording as a page without scripts from elsewhere', async () => {
  const origin = await server()
  const { get, run, read } = await folder()
  await get('--har', 'file.har', '-o', 'body', `${origin.url('a.test.example')}/path`)
  expect(await run('waterfall', 'file.har', '-o', 'page.html', '--title', 'The <title>')).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  })
  const page = await read('page.html')
  expect(page).toMatch(/^<!doctype html>/i)
  expect(page).toContain('&lt;title&gt;')
  expect(page).toContain("default-src 'none'")
  expect(page).toContain('/path')
  expect((await run('waterfall', 'file.har', '-o', '-')).stdout).toContain('/path')
})

it('unshard get --report writes a page of its requests', async () => {
  const origin = await server()
  const { get, read } = await folder()
  expect((await get('--report', 'page.html', '-o', 'body', `${origin.url('a.test.example')}/path`)).code).toBe(0)
  expect(await read('page.html')).toContain('/path')
})

it('--report and --har cannot record several clients', async () => {
  const { get } = await folder()
  const { code, stderr } = await get('--report', 'page.html', 'http://127.0.0.1:1/', '--next', '-k', 'http://127.0.0.1:1/')
  expect(code).toBe(2)
  expect(stderr).toContain('--har and --report record one client')
})

it('a page that cannot be written is reported, with exit code 23', async () => {
  const { write, run } = await folder()
  await write('file.har', '{"log":{"entries":[]}}')
  const { code, stderr } = await run('waterfall', 'file.har', '-o', '/nowhere/page.html')
  expect(code).toBe(23)
  expect(stderr).toMatch(/^unshard: --output: ENOENT/)
})

it.each([
  [['waterfall', '/nowhere/file.har', '-o', 'x'], 'waterfall: ENOENT'],
  [['waterfall', 'file.har'], "required option '-o, --output <page>' not specified"],
  [['waterfall', '/etc/hostname', '-o', 'x'], 'is not'],
])('%j is refused in one line', async (argv, message) => {
  const { exitCode, lines } = await failureOf(argv)
  expect(lines[0]).toContain(message)
  expect(exitCode).toBe(2)
})
