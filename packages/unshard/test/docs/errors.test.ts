/** Compares the table of error codes in the source with the one on the page. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ERROR_CODES } from 'unshard'
import { docsStage, examplesOf } from './stage.js'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const page = readFileSync(`${root}/docs/errors.md`, 'utf8')

function sourcesOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  return files.map((name) => readFileSync(`${folder}/${name}`, 'utf8')).join('\n')
}

it('the page lists every code of the table with its class, and no other', () => {
  const rows = [...page.matchAll(/^\| `(ERR_[A-Z0-9_]+)` \| `([A-Za-z]+)`/gm)].map(([, code, name]) => [code, name])
  expect(Object.fromEntries(rows)).toEqual(ERROR_CODES)
  expect(rows).toHaveLength(Object.keys(ERROR_CODES).length)
})

it('every code used in the source is in the table', () => {
  const source = ['core', 'coalescing', 'adapters', 'unshard'].map((name) => sourcesOf(`${root}/packages/${name}/src`)).join('\n')
  const given = [...source.matchAll(/(?:Error|redirectError)\(\s*'(ERR_[A-Z0-9_]+)'|code: '(ERR_[A-Z0-9_]+)'/g)].map(
    ([, a, b]) => a ?? b,
  )
  expect(new Set(given).size).toBeGreaterThan(50)
  expect(given.filter((code) => !Object.hasOwn(ERROR_CODES, code!))).toEqual([])
})

describe('the example', () => {
  const stage = docsStage('docs/errors.md')
  it('runs', async () => {
    const [example] = examplesOf('docs/errors.md')
    expect((await stage.play(example!)).trim()).toMatch(/^fetch failed ECONNREFUSED no$/)
  })
})
