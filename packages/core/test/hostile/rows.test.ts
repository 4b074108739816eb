/**
 * Every row of the matrix of hostile servers, and every fix of the incumbent client, is named in a
 * test title.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../../..', import.meta.url))
const corpora = process.env['UNSHARD_CORPORA'] ?? join(packages, '../../shared/corpora')
const matrix = join(corpora, 'matrix')

/** Returns every quoted string of the test files, titles included; comments do not count. */
function titles(): string {
  const texts: string[] = []
  for (const name of readdirSync(packages)) {
    const folder = join(packages, name, 'test')
    if (!existsSync(folder)) continue
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.test.ts') || file.endsWith('rows.test.ts')) continue
      const code = readFileSync(join(folder, file), 'utf8').replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '')
      for (const [quoted] of code.matchAll(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g)) texts.push(quoted)
    }
  }
  return texts.join('\n')
}

function idsOf(file: string): string[] {
  const lines = readFileSync(join(matrix, file), 'utf8').split('\n')
  return lines.map((line) => line.split(/\s/, 1)[0]!).filter((word) => word !== '' && word !== 'id')
}

if (existsSync(matrix)) {
  it.each([
    ['hostile-server.tsv', 147],
    ['incumbent-fixes.txt', 29],
  ])('test titles name every row of %s (%i rows)', (file, count) => {
    const all = titles()
    const ids = idsOf(file)
    expect(ids).toHaveLength(count)
    expect(ids.filter((id) => !new RegExp(`\\b${id}\\b`).test(all))).toEqual([])
  })
} else {
  it.todo(`test titles name every row of ${matrix}: skipped because the folder of corpora is missing`)
}
