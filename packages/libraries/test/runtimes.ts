/** Runtimes beside Node.js on which programs of these tests run: optional dependencies, for Linux on x64 only. */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const modules = join(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules')

/** A runtime, and how it runs a program. */
export interface Runtime {
  readonly name: string
  readonly path: string
  /** Arguments before the program. */
  readonly args: readonly string[]
}

const all: readonly Runtime[] = [
  { name: 'Bun', path: join(modules, '@oven/bun-linux-x64/bin/bun'), args: ['run'] },
  { name: 'Deno', path: join(modules, '@deno/linux-x64-glibc/deno'), args: ['run', '--allow-all', '--no-prompt'] },
]

/** Those that are installed. */
export const RUNTIMES: readonly Runtime[] = all.filter(({ path }) => existsSync(path))
for (const { name, path } of all) {
  if (!existsSync(path)) console.warn(`not tested on ${name}: there is no program for ${process.platform} ${process.arch}`)
}
