/** Inputs as small text files: comment lines, then hex. */

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
export const FINDINGS_FOLDER: string = join(ROOT, 'findings')
const LINE_DIGITS = 120

export type CorpusKind = 'seeds' | 'regressions'

export interface CorpusFile {
  readonly name: string
  readonly input: Uint8Array
}

/** Parses the hex digits of a file, ignoring `#` lines. */
export function parseInput(text: string): Uint8Array {
  const digits = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('')
    .replaceAll(/\s/g, '')
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) throw new Error('not pairs of hex digits')
  return Buffer.from(digits, 'hex')
}

export function formatInput(input: Uint8Array, comments: readonly string[]): string {
  const digits =
    Buffer.from(input)
      .toString('hex')
      .match(new RegExp(`.{1,${LINE_DIGITS}}`, 'g')) ?? []
  return `${[...comments.map((line) => `# ${line}`), ...digits].join('\n')}\n`
}

/** Returns the checked-in inputs of a target, sorted by name. */
export function readCorpus(kind: CorpusKind, target: string): CorpusFile[] {
  const folder = join(ROOT, 'corpus', kind, target)
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => name.endsWith('.hex'))
  return names.sort().map((name) => ({ name, input: parseInput(readFileSync(join(folder, name), 'utf8')) }))
}

/** Replaces the seeds of a target. */
export function writeSeeds(target: string, inputs: readonly Uint8Array[]): void {
  const folder = join(ROOT, 'corpus', 'seeds', target)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const input of inputs) {
    writeFileSync(join(folder, `${shortHash(input)}.hex`), formatInput(input, [`${target}: ${input.length} bytes`]))
  }
}

/** Writes a finding and returns its path. */
export function writeFinding(target: string, input: Uint8Array, message: string): string {
  mkdirSync(FINDINGS_FOLDER, { recursive: true })
  const file = join(FINDINGS_FOLDER, `${target}-${shortHash(input)}.hex`)
  writeFileSync(file, formatInput(input, [`target: ${target}`, ...message.split('\n')]))
  return file
}

function shortHash(input: Uint8Array): string {
  return createHash('sha1').update(input).digest('hex').slice(0, 12)
}
