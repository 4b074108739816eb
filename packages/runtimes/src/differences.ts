/**
 * Tests that do not run on some runtimes, with the reason. Each reason is explained in
 * docs/reference/runtimes.md. `--all` runs them nevertheless.
 */

import type { Runtime } from './runtimes.js'

/** Tests that a runtime cannot pass. */
export interface Difference {
  readonly kind: Runtime['kind']
  /** End of the paths of their files. */
  readonly file: string
  /** Their titles. Default: all tests of the file. */
  readonly title?: RegExp
  /** Reason in the table of skipped tests. */
  readonly reason: string
}

export const DIFFERENCES: readonly Difference[] = []

function differencesOf({ kind }: Pick<Runtime, 'kind'>, file: string): readonly Difference[] {
  return DIFFERENCES.filter((each) => each.kind === kind && file.endsWith(each.file))
}

/** Returns the sources of patterns for the tests of the file that do not run. */
export function patternsFor(runtime: Pick<Runtime, 'kind'>, file: string): readonly string[] {
  return differencesOf(runtime, file).map(({ title }) => title?.source ?? '')
}

/** Returns the reason why a test does not run; `undefined` if it runs. */
export function reasonFor(runtime: Pick<Runtime, 'kind'>, file: string, title: string): string | undefined {
  return differencesOf(runtime, file).find((each) => each.title?.test(title) ?? true)?.reason
}
