/** Compares the table of error codes in the source with the one on the page. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ERROR_CODES } from 'unshard'
import { PAGES } from '../../../testkit/src/reference/pages.js'
import { docsStage, examplesOf } from './stage.js'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const page = readFileSync(`${root}/docs/reference/errors.md`, 'utf8')

function sourcesOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  return files.map((name) => readFileSync(`${folder}/${name}`, 'utf8')).join('\n')
}

it('the page has the table of core: `npm run reference` writes it', async () => {
  const { generate } = PAGES.find(({ path }) => path === 'docs/reference/errors.md')!
  expect(await generate(page)).toBe(page)
  for (const code of Object.keys(ERROR_CODES)) expect(page).toContain(`| \`${code}\` |`)
})

it('every code is in a test by its name', () => {
  const tests = readdirSync(`${root}/packages`, { recursive: true, encoding: 'utf8' })
    .filter((name) => /^[a-z]+\/test\/.*\.ts$/.test(name) && !name.includes('node_modules'))
    .map((name) => readFileSync(`${root}/packages/${name}`, 'utf8'))
    .join('\n')
  expect(Object.keys(ERROR_CODES).filter((code) => !tests.includes(`'${code}'`))).toEqual([])
})

it('every code used in the source is in the table', () => {
  const source = ['core', 'coalescing', 'adapters', 'unshard'].map((name) => sourcesOf(`${root}/packages/${name}/src`)).join('\n')
  const given = [...source.matchAll(/(?:Error|redirectError)\(\s*'(ERR_[A-Z0-9_]+)'|code: '(ERR_[A-Z0-9_]+)'/g)].map(
    ([, a, b]) => a ?? b,
  )
  expect(new Set(given).size).toBeGreaterThan(50)
  expect(given.filter((code) => !Object.hasOwn(ERROR_CODES, code!))).toEqual([])
})

it('the advice names only members of the public API', () => {
  const folder = `${root}/docs/reference/api`
  const reports = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'utf8'))
  const names = [...page.matchAll(/`([a-z]+[A-Z][A-Za-z]*)(?:\(\))?`/g)].map(([, name]) => name!)
  expect(names).toContain('maxEventLength')
  expect(names.filter((name) => !reports.some((report) => new RegExp(`\\b${name}\\b`).test(report)))).toEqual([])
})

describe('the example', () => {
  const stage = docsStage('docs/reference/errors.md')
  it('runs', async () => {
    const [example] = examplesOf('docs/reference/errors.md')
    expect((await stage.play(example!)).trim()).toMatch(/^fetch failed ECONNREFUSED no$/)
  })
})
