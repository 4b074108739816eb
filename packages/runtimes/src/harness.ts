/**
 * Runs one bundled test file in the runtime that runs this program: jest's own runner and matchers,
 * without the parts of jest that need Node.js. Writes one line of JSON per event to a file, so that
 * the results of a process that ends early are known.
 *
 * Arguments: the bundle, the file for events, and the tests that do not run, as JSON.
 */

import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { Event, State } from 'jest-circus'
import type { HarnessEvent, Omitted } from './events.js'

type Block = State['rootDescribeBlock']
type Test = NonNullable<State['currentlyRunningTest']>

/** As in jest.config.ts. */
const TEST_TIMEOUT_MS = Number(process.env['UNSHARD_TEST_TIMEOUT'] ?? 20_000)

const [bundle = '', events = '', omitted = ''] = process.argv.slice(2)
const tell = (event: HarnessEvent): void => appendFileSync(events, `${JSON.stringify(event)}\n`)
const { titles: omittedTitles, patterns } = JSON.parse(omitted) as Omitted
const omittedPatterns = patterns.map((source) => new RegExp(source))
const titles = new Map<Test, string>()

// Not with `import`: in Bun, the wrappers of these modules have no names.
const require = createRequire(import.meta.url)
const { addEventHandler, getState, run, ...circus } = require('jest-circus') as typeof import('jest-circus')
const { expect } = require('expect') as typeof import('expect')
const { fn, spyOn } = require('jest-mock') as typeof import('jest-mock')
const { ModernFakeTimers } = require('@jest/fake-timers') as typeof import('@jest/fake-timers')
type FakeTimers = InstanceType<typeof ModernFakeTimers>

const timers = new ModernFakeTimers({
  global: globalThis,
  config: { fakeTimers: {}, rootDir: '' } as unknown as ConstructorParameters<typeof ModernFakeTimers>[0]['config'],
})
const jest = {
  fn,
  spyOn,
  useFakeTimers: (options: Parameters<FakeTimers['useFakeTimers']>[0]) => timers.useFakeTimers(options),
  useRealTimers: () => timers.useRealTimers(),
}
Object.assign(globalThis, circus, { expect, jest })
// Tests call it instead of what V8 has.
const { Bun: bun } = globalThis as { Bun?: { gc(force: boolean): void } }
if (bun !== undefined) globalThis.gc = (() => bun.gc(true)) as NonNullable<typeof globalThis.gc>

/** Errors outside of a test's own calls fail the current test, as in jest. */
for (const name of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(name, (error: unknown) => {
    const { currentlyRunningTest, unhandledErrors } = getState()
    ;(currentlyRunningTest?.errors ?? unhandledErrors).push(error as Error)
  })
}

function titleOf(test: Test): string {
  return titles.get(test) ?? test.name
}

/** Names each test, and marks those that do not run. */
function nameTests(): void {
  const counts = new Map<string, number>()
  for (const test of testsOf(getState().rootDescribeBlock)) {
    const names = [test.name]
    for (let block: Block | undefined = test.parent; block?.parent !== undefined; block = block.parent) names.unshift(block.name)
    const title = names.join(' › ')
    const count = (counts.get(title) ?? 0) + 1
    counts.set(title, count)
    titles.set(test, count === 1 ? title : `${title} (${count})`)
    const isOmitted = omittedTitles.includes(titleOf(test)) || omittedPatterns.some((pattern) => pattern.test(title))
    if (isOmitted) test.mode = 'skip'
  }
}

function testsOf(block: Block): Test[] {
  return block.children.flatMap((child) => (child.type === 'test' ? [child] : testsOf(child)))
}

function textOf(error: unknown): string {
  const cause: unknown = Array.isArray(error) ? (error[0] ?? error[1]) : error
  const text = cause instanceof Error ? `${cause.message}\n${cause.stack}` : String(cause)
  return text.replaceAll(/\u001b\[\d+m/g, '')
}

addEventHandler((event: Event) => {
  if (event.name === 'run_start') {
    nameTests()
    tell({ loaded: true })
  }
  if (event.name === 'test_start') tell({ started: titleOf(event.test) })
  if (event.name === 'test_skip' || event.name === 'test_todo') tell({ title: titleOf(event.test), status: 'skipped' })
  if (event.name === 'test_done') {
    const { errors } = event.test
    if (errors.length === 0) tell({ title: titleOf(event.test), status: 'passed' })
    else tell({ title: titleOf(event.test), status: 'failed', error: errors.map(textOf).join('\n\n') })
  }
})

getState().testTimeout = TEST_TIMEOUT_MS
await import(pathToFileURL(bundle).href)
const { unhandledErrors } = await run()
if (unhandledErrors.length > 0) tell({ unhandled: unhandledErrors.map(textOf).join('\n\n') })
tell({ end: true })
process.exit(0)
