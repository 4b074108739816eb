/** The package in test runners as people have them: jest in CommonJS with the lines of docs/guides/testing.md, vitest without any. */

import { examplesOf } from '../docs/stage.js'
import { CALLS, runnersFixture } from './fixture.js'

const fixture = runnersFixture()

/** A test file: fake timers of `runner`, while they are installed, afterwards, and again. */
const body = (runner: string): string => `
  ${CALLS}
  const calls = callsOf(unshard, process.env)
  afterAll(() => calls.close())
  it('has no other package loaded than what it names', () => {
    expect(typeof unshard.fetch).toBe('function')
    expect(new EventSource('http://127.0.0.1:1/').close()).toBe(undefined)
  })
  it.each(['first', 'again'])('fake timers: %s', async () => {
    ${runner}.useFakeTimers()
    await calls.rounds()
    ${runner}.advanceTimersByTime(3_600_000)
    await calls.rounds()
    await calls.deadline()
    ${runner}.useRealTimers()
    await calls.rounds()
  }, 30_000)`

const commonjs = `
  const unshard = require('unshard')
  const { EventSource } = require('unshard/events')
  ${body('jest')}`
/** Only these two lines are configured. */
const configured = examplesOf('docs/guides/testing.md').filter((example) => example.includes('transformIgnorePatterns'))

it.each([
  ['Babel', 0],
  ['ts-jest', 1],
])(
  'jest in CommonJS, by %s, with the two lines of docs/guides/testing.md',
  async (_name, at) => {
    const lines = /\{\n([\s\S]*)\n\}/.exec(configured[at]!)![1]!.split('\n')
    expect(lines).toHaveLength(2)
    await fixture.write('jest.config.js', configured[at]!)
    await fixture.write('fetch.test.js', commonjs)
    const { code, output } = await fixture.run('jest', '--cacheDirectory', './cache')
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' })
    expect(output).toContain('3 passed')
  },
  60_000,
)

it('the first line transforms nothing but this package, as installed by npm and by pnpm', () => {
  const [, source] = /\['(.*)'\]/.exec(configured[0]!)!
  const pattern = new RegExp(source!.replaceAll('\\\\', '\\'))
  const ignored = (path: string): boolean => pattern.test(`/project/node_modules/${path}/dist/index.js`)
  const pnpm = (name: string): string => `.pnpm/${name.replace('/', '+')}@1.0.0/node_modules/${name}`
  for (const name of ['unshard', '@unshard/core']) expect([ignored(name), ignored(pnpm(name))]).toEqual([false, false])
  for (const name of ['lru-cache', '@fastify/busboy']) expect([ignored(name), ignored(pnpm(name))]).toEqual([true, true])
}, 60_000)

it('jest in CommonJS with fake timers installed before the package is loaded', async () => {
  await fixture.write('jest.config.js', configured[0]!.replace('{', '{ fakeTimers: { enableGlobally: true },'))
  await fixture.write('fetch.test.js', commonjs)
  const { code, output } = await fixture.run('jest', '--cacheDirectory', './cache')
  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' })
}, 60_000)

it('vitest, without configuration', async () => {
  const imports = `
    import { afterAll, expect, it, vi } from 'vitest'
    import * as unshard from 'unshard'
    import { EventSource } from 'unshard/events'`
  await fixture.write('fetch.test.mjs', imports + body('vi'))
  const { code, output } = await fixture.run('vitest', 'run')
  expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' })
  expect(output).toContain('3 passed')
}, 60_000)
