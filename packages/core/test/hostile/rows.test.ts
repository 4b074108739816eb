/** Every row of the matrix of hostile servers, and every mend of the incumbent, is named by a test. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../../..', import.meta.url))
const corpora = process.env['UNSHARD_CORPORA'] ?? join(packages, '../../shared/corpora')
const matrix = join(corpora, 'matrix')

/** Everything that stands between quotes in a test file: titles are among it. Comments do not count. */
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

function firstWords(file: string): string[] {
  const lines = readFileSync(join(matrix, file), 'utf8').split('\n')
  return lines.map((line) => line.split(/\s/, 1)[0]!).filter((word) => word !== '' && word !== 'id')
}

if (existsSync(matrix)) {
  it.each([
    ['hostile-server.tsv', 147],
    ['incumbent-fixes.txt', 29],
  ])('every line of %s (%i of them) is named in the title of a test', (file, count) => {
    const all = titles()
    const ids = firstWords(file)
    expect(ids).toHaveLength(count)
    expect(ids.filter((id) => !new RegExp(`\\b${id}\\b`).test(all))).toEqual([])
  })
} else {
  it.todo(`the rows of ${matrix}: skipped, the folder of corpora is not there`)
}
