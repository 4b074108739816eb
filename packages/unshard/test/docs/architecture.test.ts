/** docs/contributing/architecture.md: its drawings are those of the source, and every file that it names is there. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { importsBetweenRooms } from '../../../testkit/src/reference/drawings.js'
import { PAGES } from '../../../testkit/src/reference/pages.js'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const path = 'docs/contributing/architecture.md'
const page = readFileSync(`${root}/${path}`, 'utf8')

const sources = readdirSync(`${root}/packages`, { recursive: true, encoding: 'utf8' }).filter(
  (name) => /^[a-z]+\/(src\/|test\/|bundle)/.test(name) && !name.includes('node_modules'),
)

it('the drawings are those of the source: `npm run reference` writes them', async () => {
  expect(await PAGES.find((each) => each.path === path)!.generate(page)).toBe(page)
})

it('no import of core runs up', () => {
  expect(importsBetweenRooms().size).toBeGreaterThan(9)
})

it.each([
  [path, 80],
  ['docs/contributing/recipes.md', 20],
])('every file that %s names is there', (name, least) => {
  const text = readFileSync(`${root}/${name}`, 'utf8')
  const named = [...text.matchAll(/`([\w/.-]+\.(?:ts|mjs))`/g)].map(([, file]) => file!)
  expect(named.length).toBeGreaterThan(least)
  expect(named.filter((name) => !sources.some((source) => source === name || source.endsWith(`/${name}`)))).toEqual([])
})
