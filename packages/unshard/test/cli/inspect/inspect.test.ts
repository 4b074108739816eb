/** `unshard inspect`: a program that runs with the page of its requests. */

import { getFixture } from '../get/fixture.js'
import { failureOf } from '../in-process.js'

const { folder } = getFixture()
const PROGRAM = `
  process.stdout.write(process.argv.slice(2).join(' '))
  process.exitCode = 3
`

it('runs a program with its arguments, prints the URL of the page, and exits as the program does', async () => {
  const { write, run } = await folder()
  await write('program.mjs', PROGRAM)
  const { code, stdout, stderr } = await run('inspect', '--port', '0', 'program.mjs', '--port', 'of the program')
  expect(stdout).toBe('--port of the program')
  expect(stderr).toMatch(/^unshard: requests of this process: http:\/\/127\.0\.0\.1:\d+\/[\w-]{20,}\/?\n$/)
  expect(code).toBe(3)
})

it('--keep serves the page after the program has nothing left to do', async () => {
  const { write, startCommand } = await folder()
  await write('program.mjs', '')
  const { child, ended } = startCommand(['inspect', '--port', '0', '--keep', 'program.mjs'])
  const url = await new Promise<string>((resolve) => {
    child.stderr!.once('data', (text: string) => resolve(/http:\S+/.exec(text)![0]))
  })
  const response = await fetch(url)
  expect(response.status).toBe(200)
  expect(await response.text()).toMatch(/^<!doctype html>/i)
  child.kill('SIGTERM')
  expect((await ended).code).toBe(143)
})

it.each([
  [['inspect'], "missing required argument 'program'"],
  [['inspect', '--port', '70000', 'x'], '--port takes a number from 0 to 65535, not "70000"'],
])('%j is refused in one line', async (argv, message) => {
  const { exitCode, lines } = await failureOf(argv)
  expect(lines[0]).toContain(message)
  expect(exitCode).toBe(2)
})
