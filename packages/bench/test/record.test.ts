import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recordOf, withRecord, writeDocs } from '../src/record.js'

const conditions = { date: '2026-01-02', node: 'v20.0.0', cpu: 'a processor', pinned: true, rounds: 5, seconds: 2 }
const charts = [{ title: 'rates', bars: [{ label: 'unshard', value: 1 }] }]
const report = { text: 'a table', json: { name: 'small-get' }, errors: 0, charts }
const page =
  'before\n<!-- bench:small-get -->\nold\n<!-- /bench:small-get -->\nafter <!-- bench:upload --><!-- /bench:upload -->\n'

describe('the record of a run', () => {
  test('is inserted between its markers, and the rest is unchanged', () => {
    const written = withRecord(page, recordOf(report, conditions))
    expect(written).toMatch(
      /^before\n<!-- bench:small-get -->\n2026-01-02, Node.js v20.0.0, a processor, .*\n\n```\na table\n```\n/,
    )
    expect(written).toContain('![small-get](benchmarks/small-get.svg)')
    expect(written).not.toContain('old')
    expect(written.slice(written.indexOf('after'))).toBe(page.slice(page.indexOf('after')))
    expect(withRecord(written, recordOf(report, conditions))).toBe(written)
  })

  test('has no picture without charts, and is refused without markers', () => {
    const plain = recordOf({ text: 'a table', json: { name: 'small-get' }, errors: 0 }, { ...conditions, pinned: false })
    expect(withRecord(page, plain)).not.toContain('![')
    expect(() => withRecord('nothing', plain)).toThrow('<!-- bench:small-get -->')
  })

  test('is stored beside the page as JSON and as a picture', () => {
    const docs = mkdtempSync(join(tmpdir(), 'unshard-record-'))
    try {
      writeFileSync(join(docs, 'benchmarks.md'), page)
      const record = recordOf(report, conditions)
      expect(writeDocs(docs, [record])).toHaveLength(3)
      // A page that does not contain it is unchanged.
      expect(writeDocs(docs, [{ ...record, charts: [], figures: { name: 'upload-2' } }])).toHaveLength(1)
      expect(readdirSync(join(docs, 'benchmarks')).sort()).toEqual(['small-get.json', 'small-get.svg', 'upload-2.json'])
      expect(JSON.parse(readFileSync(join(docs, 'benchmarks/small-get.json'), 'utf8'))).toEqual(record)
    } finally {
      rmSync(docs, { recursive: true })
    }
  })
})
