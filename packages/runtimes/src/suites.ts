/** The suites: test files of the packages, and those of this package, whose servers run on Node.js. */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PACKAGES } from './bundle.js'

/** A suite of test files. */
export interface Suite {
  readonly name: string
  /** The package to which the test files belong. */
  readonly own: string
  /** Paths in `packages/`. */
  readonly files: readonly string[]
}

async function filesIn(own: string, folder: string): Promise<string[]> {
  const names = await readdir(join(PACKAGES, own, folder), { recursive: true })
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => `${own}/${folder}/${name}`)
}

/** Returns all suites of test files, in the order of the table. */
export async function testSuites(): Promise<readonly Suite[]> {
  const packages = await Promise.all(
    ['core', 'coalescing', 'adapters'].map(async (own) => ({ name: own, own, files: await filesIn(own, 'test') })),
  )
  const files = await filesIn('runtimes', 'suites')
  const alone = files.map((file) => ({ name: /([a-z0-9-]+)\.test\.ts$/.exec(file)![1]!, own: 'runtimes', files: [file] }))
  return [...packages, ...alone]
}
