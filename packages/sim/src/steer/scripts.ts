/** Files with the scripts of steered worlds, which no seed leads to. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { WorldScript } from '../script/script.js'

/** Not part of the repository. */
export const FINDINGS: string = fileURLToPath(new URL('../../findings/', import.meta.url))

/**
 * @param seed first seed of the run.
 * @param world number of the world in the run.
 * @returns path of the file.
 */
export function writeScript(script: WorldScript, seed: number, world: number, folder: string = FINDINGS): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${seed}-${world}.json`)
  writeFileSync(path, `${JSON.stringify(script)}\n`)
  return path
}
