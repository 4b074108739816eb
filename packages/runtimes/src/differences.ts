/**
 * Tests that do not run on some runtimes, with the reason. Each reason is explained in
 * docs/reference/runtimes.md. `--all` runs them nevertheless.
 */

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Runtime } from './runtimes.js'

type Named = Pick<Runtime, 'kind' | 'name'>

/** Tests that a runtime cannot pass. */
export interface Difference {
  /** A kind of runtime, or the name of one. */
  readonly kind: Runtime['kind'] | 'node-26'
  /** Path of their file in `packages/`. */
  readonly file: string
  /** Their titles, or the beginnings of them that end with `*`. Default: all tests of the file. */
  readonly titles?: readonly string[]
  /** Reason in the table of skipped tests. */
  readonly reason: string
}

const FILE = join(dirname(fileURLToPath(import.meta.url)), '../differences.json')

export const DIFFERENCES: readonly Difference[] = JSON.parse(readFileSync(FILE, 'utf8')) as Difference[]

/** Returns the source of a pattern for a title. */
function patternOf(title: string): string {
  const isPrefix = title.endsWith('*')
  const escaped = (isPrefix ? title.slice(0, -1) : title).replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return `^${escaped}${isPrefix ? '' : '$'}`
}

function differencesOf({ kind, name }: Named, file: string): readonly Difference[] {
  return DIFFERENCES.filter((each) => (each.kind === kind || each.kind === name) && each.file === file)
}

function patternsOf({ titles }: Difference): readonly string[] {
  return titles === undefined ? [''] : titles.map(patternOf)
}

/** Returns the sources of patterns for the tests of the file that do not run. */
export function patternsFor(runtime: Named, file: string): readonly string[] {
  return differencesOf(runtime, file).flatMap(patternsOf)
}

/** Returns the reason why a test does not run; `undefined` if it runs. */
export function reasonFor(runtime: Named, file: string, title: string): string | undefined {
  const isListed = (each: Difference): boolean => patternsOf(each).some((pattern) => new RegExp(pattern).test(title))
  return differencesOf(runtime, file).find(isListed)?.reason
}
