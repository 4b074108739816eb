/**
 * Reads the matrix of faults, which is maintained elsewhere and not part of the repository. Every
 * cell of it must be in our table.
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EXPECTED } from './expected/table.js'
import { PHASE_WORDS, PHASES, type Phase } from './phases.js'

const FOLDER = process.env['UNSHARD_CORPORA'] ?? fileURLToPath(new URL('../../../../shared/corpora', import.meta.url))
const FILE = join(FOLDER, 'matrix', 'faults.tsv')

/** Returns names such as `F03 tls`, one per cell; `undefined` if the matrix is missing. */
export function matrixCells(file: string = FILE): string[] | undefined {
  if (!existsSync(file)) return undefined
  const [, ...lines] = readFileSync(file, 'utf8').trim().split('\n')
  return lines.map((line) => {
    const [fault = '', , , words = ''] = line.split('\t')
    return `${fault} ${phaseOf(words) ?? `"${words}"`}`
  })
}

function phaseOf(words: string): Phase | undefined {
  return PHASES.find((phase) => PHASE_WORDS[phase].looksLike.test(words))
}

/** Returns the same for our own table. */
export function ownCells(): string[] {
  return Object.entries(EXPECTED).flatMap(([fault, row]) => Object.keys(row).map((phase) => `${fault} ${phase}`))
}

/** Returns the cells that only one of the two has. */
export function differences(matrix: readonly string[], own: readonly string[] = ownCells()): string[] {
  const missing = matrix.filter((cell) => !own.includes(cell)).map((cell) => `${cell} is in the matrix but not in the table`)
  const added = own.filter((cell) => !matrix.includes(cell)).map((cell) => `${cell} is in the table but not in the matrix`)
  return [...missing, ...added]
}
