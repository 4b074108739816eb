/** Runs one bundled test file on a runtime, in a process of its own. */

import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HarnessEvent, Omitted, TestResult } from './events.js'
import type { Runtime } from './runtimes.js'

const HARNESS = fileURLToPath(new URL('./harness.js', import.meta.url))
/** For `suites/fixture.ts`: Node.js and the program of the servers. */
const SERVER = `${process.execPath}\n${fileURLToPath(new URL('./server.js', import.meta.url))}`
const ROOT = join(dirname(HARNESS), '../../..')
/** Time without an event after which the process of a test file is ended, in milliseconds. */
const QUIET_MS = 120_000
/** Processes per file: each that ends early costs the test that ran then. */
const MOST_PROCESSES = 12

/** The results of a test file. */
export interface FileResult {
  readonly tests: readonly TestResult[]
  /** Why the file as a whole failed: it cannot be loaded, or an error belongs to no test. */
  readonly problem?: string
}

interface Ended {
  readonly events: readonly HarnessEvent[]
  /** The last output, and how the process ended. */
  readonly output: string
}

/**
 * Runs the tests of the file but those that one of the patterns matches: they count as skipped. If
 * the process ends early, the test that ran then has failed, and another process runs the rest.
 */
export async function runFile(runtime: Runtime, bundle: string, patterns: readonly string[]): Promise<FileResult> {
  const tests = new Map<string, TestResult>()
  for (let processes = 1; ; processes++) {
    const { events, output } = await runProcess(runtime, bundle, { titles: [...tests.keys()], patterns })
    const { current, isLoaded, hasEnded, problem } = collect(events, tests)
    if (!isLoaded) return { tests: [...tests.values()], problem: output }
    if (hasEnded) return { tests: [...tests.values()], ...(problem !== undefined && { problem }) }
    if (current === undefined || processes === MOST_PROCESSES) return { tests: [...tests.values()], problem: output }
    if (!tests.has(current)) tests.set(current, { title: current, status: 'failed', error: output })
  }
}

interface Collected {
  /** The test that started last. */
  readonly current: string | undefined
  readonly isLoaded: boolean
  readonly hasEnded: boolean
  readonly problem: string | undefined
}

/** Adds the results to `tests`, unless an earlier process has one for the test. */
function collect(events: readonly HarnessEvent[], tests: Map<string, TestResult>): Collected {
  let current: string | undefined
  let problem: string | undefined
  for (const event of events) {
    if ('started' in event) current = event.started
    else if ('title' in event && !tests.has(event.title)) tests.set(event.title, event)
    else if ('unhandled' in event) problem = event.unhandled
  }
  const has = (name: string): boolean => events.some((event) => name in event)
  return { current, problem, isLoaded: has('loaded'), hasEnded: has('end') }
}

async function runProcess({ path, args }: Runtime, bundle: string, omitted: Omitted): Promise<Ended> {
  const file = `${bundle}.events`
  await rm(file, { force: true })
  const output = await new Promise<string>((resolve) => {
    const env = { ...process.env, DENO_DIR: join(dirname(HARNESS), 'deno'), NO_COLOR: '1', UNSHARD_SERVER: SERVER }
    const child = spawn(path, [...args, HARNESS, bundle, file, JSON.stringify(omitted)], {
      ...{ cwd: ROOT, env, detached: true },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let printed = ''
    const note = (bytes: Buffer): void => {
      printed = (printed + bytes.toString()).slice(-4_000)
    }
    child.stdout.on('data', note)
    child.stderr.on('data', note)
    const end = (): void => {
      try {
        // The process and its children.
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // All have ended.
      }
    }
    const timer = onQuiet(file, end)
    child.once('error', (error) => resolve(String(error)))
    child.once('exit', (code, signal) => {
      clearInterval(timer)
      end()
      resolve(`${printed}\nthe process ended: ${signal ?? code}`)
    })
  })
  const text = await readFile(file, 'utf8').catch(() => '')
  const lines = text.split('\n').filter((line) => line !== '')
  return { events: lines.map((line) => JSON.parse(line) as HarnessEvent), output }
}

/** Calls `end` once the file has not grown for a while. */
function onQuiet(file: string, end: () => void): NodeJS.Timeout {
  let size = 0
  let sinceMs = Date.now()
  return setInterval(() => {
    const now = statSync(file, { throwIfNoEntry: false })?.size ?? 0
    if (now !== size) {
      size = now
      sinceMs = Date.now()
    } else if (Date.now() - sinceMs > QUIET_MS) end()
  }, 1_000)
}
