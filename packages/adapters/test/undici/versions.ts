/** The undici versions that run on this Node: their functions are given our dispatcher. */

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type * as Undici from 'undici'

const require = createRequire(fileURLToPath(import.meta.url))
const fromBench = createRequire(fileURLToPath(new URL('../../../bench/package.json', import.meta.url)))

export interface Version {
  readonly name: string
  readonly undici: typeof Undici
  /** Whether its own Agent accepts handlers of the newer generation. */
  readonly controllers: boolean
}

/** Loads all versions; prints a note for those that cannot be loaded. */
export function versions(): Version[] {
  const found: Version[] = [
    { name: 'undici 6', undici: require('undici6'), controllers: false },
    { name: 'undici 7', undici: require('undici'), controllers: true },
  ]
  const [major = 0] = process.versions.node.split('.').map(Number)
  if (major < 22) process.stderr.write('without undici 8: it needs Node 22\n')
  else {
    try {
      found.push({ name: 'undici 8', undici: fromBench('undici-8'), controllers: true })
    } catch {
      process.stderr.write(
        'without undici 8: it is an optional dependency of the benchmarks, and was not installed under this Node\n',
      )
    }
  }
  return found
}
