/** docs/contributing/conformance.md against the tests that it names. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { literalsOf, problemsOf, type Sources } from './conformance-page.js'

const root = fileURLToPath(new URL('../', import.meta.url))
const page = readFileSync(new URL('../../../../docs/contributing/conformance.md', import.meta.url), 'utf8')

const sources: Sources = new Map(
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    // The titles in this file are examples.
    .filter((path) => path.endsWith('.test.ts') && path !== 'docs/conformance.test.ts')
    .map((path): [string, string] => [path, readFileSync(`${root}${path}`, 'utf8')]),
)

it('every requirement in docs/contributing/conformance.md has a test, and every test that quotes one is listed', () => {
  expect(problemsOf(page, sources)).toEqual([])
})

describe('the check of the page reports', () => {
  const small = `
| RFC | Sentences | Bind | Not met | Do not bind |
| --- | --- | --- | --- | --- |
| RFC 1 | 4 | 2 | 1 | 1 |

## RFC 1

### 2.9 Title

| Section | Requirement | Test |
| --- | --- | --- |
| §2.9 | "One MUST be." | a.test.ts \`§2.9 "One MUST be."\` |

### 2.10 Title

| Section | Requirement | Test |
| --- | --- | --- |
| §2.10 | Prefix: "Two MUST NOT be…" | a.test.ts \`in a table\`<br>a.test.ts \`template\` |

## RFC 1: not met

| Section | Requirement | Why |
| --- | --- | --- |
| §3 | "Three MUST be." | Because. |

## RFC 1: does not bind this client

| Section | Requirement | Why |
| --- | --- | --- |
| §1 | "Four MUST be \\| not." | Because. |

## Points

| Point | Test |
| --- | --- |
| Something | a.test.ts \`in a table\` |
`
  const source = `
// it('a comment')
describe('outer', () => {
  it('§2.9 "One MUST be."', () => { expect('body').toBe('body') })
  it.each([['in a table', 1], ...[1].map((each) => ['made ' + each, each])])(\`template \${1} tail\`, () => it('inner', () => 'body'))
})
`
  const check = (text: string, test = source): string[] => problemsOf(text, new Map([['a.test.ts', test]]))

  it('no problem on a correct page', () => expect(check(small)).toEqual([]))

  it.each<[string, string, string, string]>([
    ['a file that does not exist', 'a.test.ts `in a table`<br>', 'b.test.ts `in a table`<br>', 'there is no b.test.ts'],
    ['a title that does not exist', '`template`', '`body`', 'no test of a.test.ts is called body'],
    ['a title in a comment', '`template`', '`a comment`', 'no test of a.test.ts is called a comment'],
    ['a row without a test', 'a.test.ts `§2.9 "One MUST be."` |', ' |', 'a test is missing'],
    ['a point without a test', '| Something | a.test.ts `in a table` |', '| Something |  |', 'a test is missing'],
    ['a test without a title', '<br>a.test.ts `template`', '<br>a.test.ts', 'a test is missing'],
    ['a row without a reason', '"Three MUST be." | Because.', '"Three MUST be." | ', 'no reason'],
    ['a requirement without a MUST', '"Three MUST be."', '"Three may be."', 'no quotation of a MUST'],
    ['a requirement that is not quoted', '"One MUST be." |', 'One MUST be. |', 'no quotation of a MUST'],
    ['an invalid section', '| §3 |', '| 3 |', '"3" is no section'],
    ['a row under another heading', '| §2.10 |', '| §2.11 |', '§2.11 under the heading 2.10'],
    ['a section out of order', '2.10', '2.1', '§2.1 after §2.9'],
    ['a duplicate requirement', '| §1 | "Four MUST be \\| not." |', '| §2.9 | "One MUST be." |', 'stands here twice'],
    ['numbers that differ from the tables', '| 4 | 2 |', '| 5 | 3 |', 'RFC 1 has 4, 2, 1, 1 rows, not 5, 3, 1, 1'],
    ['an RFC without rows', '| RFC 1 | 4 |', '| RFC 2 | 4 |', 'RFC 2 has 0, 0, 0, 0 rows'],
  ])('%s', (_title, from, to, problem) => {
    expect(small).toContain(from)
    expect(check(small.replaceAll(from, to)).join('\n')).toContain(problem)
  })

  it('a test that quotes a MUST of a section and is not in a row', () => {
    const extended = `${source}\nconst rows = ['§4 "Five MUST be."']\nit('MUST without a section', () => {})`
    expect(check(small, extended)).toEqual(['a.test.ts: no row refers to §4 "Five MUST be."'])
  })

  it('only titles that are passed to jest', () => {
    expect(literalsOf(source, true)).toEqual([
      'outer',
      '§2.9 "One MUST be."',
      'in a table',
      'made ',
      'template ',
      ' tail',
      'inner',
    ])
  })
})
