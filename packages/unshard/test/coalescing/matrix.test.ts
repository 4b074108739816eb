// Every row of the matrix of coalescing cases is named in the title of a test.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../../..')
const matrix = join(process.env['UNSHARD_CORPORA'] ?? join(root, '../shared/corpora'), 'matrix/coalescing.tsv')
const tests = ['coalescing', 'unshard', 'core'].flatMap((name) => sourcesIn(join(root, 'packages', name, 'test')))

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sourcesIn(path)
    return entry.name.endsWith('.test.ts') && path !== import.meta.filename ? [readFileSync(path, 'utf8')] : []
  })
}

if (existsSync(matrix)) {
  it('each id is in a title', () => {
    const rows = readFileSync(matrix, 'utf8').trim().split('\n').slice(1)
    const ids = rows.map((row) => row.split('\t')[0]!)
    expect(ids).toHaveLength(91)
    const all = tests.join('\n')
    expect(ids.filter((id) => !new RegExp(`['"\`][^'"\`\\n]*\\b${id}\\b`).test(all))).toEqual([])
  })
} else {
  it.todo(`each id is in a title: ${matrix} is missing`)
}
