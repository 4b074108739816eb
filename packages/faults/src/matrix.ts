/** The matrix of faults, read from where it is: it is other people's and stays outside. Every cell of it has to be in our table. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EXPECTED } from './expected/table.js'
import { PHASE_WORDS, PHASES, type Phase } from './phases.js'

const FOLDER = process.env['UNSHARD_CORPORA'] ?? fileURLToPath(new URL('../../../../shared/corpora', import.meta.url))
const FILE = join(FOLDER, 'matrix', 'faults.tsv')

/** `F03 tls`, for each cell; `undefined` where the matrix is not there. */
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

/** The same of our own table. */
export function ownCells(): string[] {
  return Object.entries(EXPECTED).flatMap(([fault, row]) => Object.keys(row).map((phase) => `${fault} ${phase}`))
}

/** Cells that one has and the other has not. */
export function differences(matrix: readonly string[], own: readonly string[] = ownCells()): string[] {
  const missing = matrix.filter((cell) => !own.includes(cell)).map((cell) => `${cell} is in the matrix and not in the table`)
  const added = own.filter((cell) => !matrix.includes(cell)).map((cell) => `${cell} is in the table and not in the matrix`)
  return [...missing, ...added]
}
