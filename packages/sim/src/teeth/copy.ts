/**
 * A copy of the simulation in a temporary folder, with a client that has a fault. It is complete, because
 * hooks of Node's module loader would make `import()` wait for real time.
 */

import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'
import type { PutBackFault, Replacement } from './faults.js'

const PACKAGES: string = fileURLToPath(new URL('../../../', import.meta.url))
/** Packages that are copied as they are built. */
const AS_BUILT = ['coalescing', 'testkit', 'sim']

export interface SimulationCopy {
  /** The command. */
  readonly main: string
  remove(): Promise<void>
}

/** @throws Error if the text of a replacement does not occur exactly once: the table must follow the source. */
export async function copyWith(fault: PutBackFault): Promise<SimulationCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'unshard-teeth-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  const modules = join(folder, 'node_modules')
  try {
    for (const name of ['core', ...AS_BUILT]) {
      const target = join(modules, '@unshard', name)
      await mkdir(target, { recursive: true })
      // Core is copied as single modules, not as a bundle.
      const manifest = await readFile(join(PACKAGES, name, 'package.json'), 'utf8')
      await writeFile(join(target, 'package.json'), name === 'core' ? manifest.replaceAll('dist/bundle/', 'dist/') : manifest)
      if (name === 'core') await compileWith(fault, join(target, 'dist'))
      else await cp(join(PACKAGES, name, 'dist'), join(target, 'dist'), { recursive: true })
      await linkDependencies(join(PACKAGES, name, 'node_modules'), modules)
    }
    return { main: join(modules, '@unshard/sim/dist/main.js'), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Links the packages of other projects that a package of this one depends on. */
async function linkDependencies(from: string, to: string): Promise<void> {
  for (const name of await readdir(from).catch(() => [])) {
    if (name === '@unshard' || name.startsWith('.')) continue
    await symlink(join(from, name), join(to, name), 'dir').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

async function compileWith({ name, replacements }: PutBackFault, target: string): Promise<void> {
  const source = join(PACKAGES, 'core/src')
  const unused = new Set(replacements)
  for (const file of await readdir(source, { recursive: true })) {
    if (!file.endsWith('.ts')) continue
    let text = await readFile(join(source, file), 'utf8')
    for (const replacement of replacements) {
      if (replacement.file !== file.replaceAll('\\', '/')) continue
      text = replaceOnce(text, replacement, name)
      unused.delete(replacement)
    }
    const { code } = await transform(text, { loader: 'ts', format: 'esm', target: 'node20.19' })
    const compiled = join(target, file.replace(/\.ts$/, '.js'))
    await mkdir(dirname(compiled), { recursive: true })
    await writeFile(compiled, code)
  }
  for (const { file } of unused) throw new Error(`${name}: core has no file ${file}`)
}

/** @throws Error unless the text occurs exactly once. */
export function replaceOnce(text: string, { file, find, replace }: Replacement, name: string): string {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`${name}: the text to replace occurs ${parts.length - 1} times in ${file}`)
  return parts.join(replace)
}
