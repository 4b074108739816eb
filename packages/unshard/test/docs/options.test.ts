/** docs/reference/options.md and the TSDoc of every options object, against the schemas in the source. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { docsOf, OBJECTS, schemaOf, shownDefault } from '../../../testkit/src/reference/options.js'
import { PAGES } from '../../../testkit/src/reference/pages.js'

const path = 'docs/reference/options.md'
const page = readFileSync(fileURLToPath(new URL(`../../../../${path}`, import.meta.url)), 'utf8')

it('the page has the tables of the schemas: `npm run reference` writes it', async () => {
  const { generate } = PAGES.find((each) => each.path === path)!
  expect(await generate(page)).toBe(page)
})

it.each(OBJECTS)('each option of $title is documented with its default', async (object) => {
  const schema = await schemaOf(object)
  const inherited = (object.inherits ?? []).flatMap(([file, name]) => [...docsOf(file, name)])
  const docs = new Map([...inherited, ...docsOf(object.file, object.interface)])
  expect(docs.size).toBeGreaterThan(0)
  for (const [name, { sentence, fallback, internal }] of docs) {
    if (internal || schema[name] === undefined) continue
    const shown = shownDefault(schema[name])
    expect([name, sentence.length > 10, fallback]).toEqual([name, true, ['none', 'required'].includes(shown) ? undefined : shown])
  }
})
