/** Runs a suite of test files on a runtime. */

import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { bundleTest, PACKAGES } from './bundle.js'
import { patternsFor, reasonFor } from './differences.js'
import type { TestResult } from './events.js'
import { runFile } from './run-file.js'
import type { Runtime } from './runtimes.js'
import type { Suite } from './suites.js'

/** A test with its file. */
export interface SuiteTest extends TestResult {
  readonly file: string
  /** Why it was skipped. */
  readonly reason?: string
}

export interface SuiteOptions {
  readonly file: RegExp | undefined
  /** Run the tests that are listed as differences too. */
  readonly all: boolean
  readonly onFile: (file: string, tests: readonly SuiteTest[], ms: number) => void
}

const BY_ITSELF = 'the test skips itself: it needs Node.js, or a program that is not installed'

/** Runs the files one after the other. A file that cannot be loaded is one failed test. */
export async function runSuite(runtime: Runtime, { own, files }: Suite, options: SuiteOptions): Promise<readonly SuiteTest[]> {
  const all: SuiteTest[] = []
  for (const file of files) {
    if (options.file !== undefined && !options.file.test(file)) continue
    const startedAt = performance.now()
    const bundle = join(PACKAGES, 'runtimes/dist/tests', runtime.name, file.replace(/\.ts$/, '.mjs'))
    await mkdir(dirname(bundle), { recursive: true })
    await bundleTest(own, join(PACKAGES, file), bundle)
    const { tests, problem } = await runFile(runtime, bundle, options.all ? [] : patternsFor(runtime, file))
    const results: SuiteTest[] = tests.map((test) => ({
      ...test,
      file,
      ...(test.status === 'skipped' && { reason: reasonFor(runtime, file, test.title) ?? BY_ITSELF }),
    }))
    if (problem !== undefined) results.push({ title: 'the file as a whole', status: 'failed', error: problem, file })
    all.push(...results)
    options.onFile(file, results, performance.now() - startedAt)
  }
  return all
}
