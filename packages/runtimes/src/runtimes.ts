/**
 * The runtimes on which the suites run. They are optional dependencies: programs for Linux on x64.
 */

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const modules = join(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules')

/** A runtime, and how it runs a program. */
export interface Runtime {
  /** Name for `--runtime` and for rules: `node-20`, `bun`. */
  readonly name: string
  /** Name in the table. */
  readonly title: string
  /** Kind of runtime, to which differences belong. */
  readonly kind: 'node' | 'bun' | 'deno'
  readonly path: string
  /** Arguments before the program. */
  readonly args: readonly string[]
}

const node = (major: number): Runtime => ({
  name: `node-${major}`,
  title: 'Node.js',
  kind: 'node',
  path: join(modules, `node-${major}/bin/node`),
  args: [],
})

const DENO_ARGS = ['run', '--allow-all', '--no-prompt', '--node-modules-dir=manual', '--no-lock']

/** All of them, in the order of the table. */
export const ALL_RUNTIMES: readonly Runtime[] = [
  node(20),
  node(22),
  node(24),
  node(26),
  { name: 'bun', title: 'Bun', kind: 'bun', path: join(modules, '@oven/bun-linux-x64/bin/bun'), args: ['run'] },
  { name: 'deno', title: 'Deno', kind: 'deno', path: join(modules, '@deno/linux-x64-glibc/deno'), args: DENO_ARGS },
]

/** Returns those that are installed on this machine. */
export function installedRuntimes(): readonly Runtime[] {
  return ALL_RUNTIMES.filter(({ path }) => existsSync(path))
}

/** Returns the version that the program prints, such as `20.19.6`. */
export function versionOf({ path }: Runtime): string {
  const printed = execFileSync(path, ['--version'], { encoding: 'utf8' })
  return /\d+\.\d+\.\d+/.exec(printed)?.[0] ?? printed.trim()
}
