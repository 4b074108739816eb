/**
 * Test files of a checkout: their list, those the checkout's own status file skips, the scripts
 * each requires (its `META:` lines), and the substitutions its server would make.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'

/** One test file, ready to run. */
export interface TestFile {
  /** Path below the suite's root, with slashes, such as `fetch/api/basic/status.any.js`. */
  readonly path: string
  readonly code: string
  /** Scripts to load before it, in order. */
  readonly scripts: readonly string[]
  readonly title: string | undefined
  /** Queries, each for a separate run; one empty query if the file names none. */
  readonly variants: readonly string[]
  readonly timeoutMs: number
}

/** Nested by folder; a leaf is a file's entry. */
interface Status {
  readonly skip?: boolean
  readonly [name: string]: unknown
}

const SHORT_MS = 10_000
const LONG_MS = 60_000

/** Returns the folder of the tests in a checkout. */
export function fixturesOf(suite: string): string {
  return join(resolve(suite), 'test/fixtures/wpt')
}

/**
 * Returns the files of the fetch part that run under Node, in order. `port` is the port of the
 * suite's server.
 */
export function listFiles(suite: string, port: string, only: string): TestFile[] {
  const root = fixturesOf(suite)
  const status = JSON.parse(readFileSync(join(resolve(suite), 'test/wpt/status/fetch.status.json'), 'utf8')) as Status
  return readdirSync(join(root, 'fetch'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.any.js'))
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path.includes(only) && !isSkipped(path.split('/'), status))
    .sort()
    .map((path) => readTest(root, `fetch/${path}`, port))
}

/** A skipped folder skips everything in it. */
function isSkipped(names: readonly string[], status: Status): boolean {
  let at: Status | undefined = status
  for (const name of names) {
    at = at[name] as Status | undefined
    if (at === undefined) return false
    if (at.skip === true) return true
  }
  return false
}

function readTest(root: string, path: string, port: string): TestFile {
  const file = join(root, path)
  const code = readScript(file, port)
  const meta = readMeta(code)
  const variants = meta.get('variant') ?? []
  return {
    path: relative(root, file).split(sep).join('/'),
    code,
    scripts: (meta.get('script') ?? []).map((name) => readScript(scriptPath(root, file, name), port)),
    title: meta.get('title')?.[0],
    variants: variants.length === 0 ? [''] : variants,
    timeoutMs: meta.get('timeout')?.[0] === 'long' ? LONG_MS : SHORT_MS,
  }
}

function scriptPath(root: string, file: string, name: string): string {
  // web-platform-tests/wpt#731: their server has it under a different name.
  if (name === '/resources/WebIDLParser.js') return join(root, 'resources/webidl2/lib/webidl2.js')
  return isAbsolute(name) ? join(root, name) : resolve(dirname(file), name)
}

/** Parses `// META: name=value` lines at the beginning of a file. */
function readMeta(code: string): Map<string, string[]> {
  const meta = new Map<string, string[]>()
  for (const line of code.split(/\r?\n/)) {
    const match = /^\/\/ META: (.*?)=(.*)$/.exec(line)
    if (match === null) break
    meta.set(match[1]!, [...(meta.get(match[1]!) ?? []), match[2]!])
  }
  return meta
}

/**
 * Files with `.sub.` in their name contain `{{host}}`, `{{ports[http][0]}}` and similar: there is
 * one host and one port here.
 */
function readScript(file: string, port: string): string {
  const text = readFileSync(file, 'utf8')
  if (!file.includes('.sub.')) return text
  return text.replaceAll(/{{(\w+).*?}}/g, (_, name: string) => (name === 'ports' ? port : 'localhost'))
}
