/** Writes the generated parts of the reference pages. `npm run reference` */

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { PAGES } from './pages.js'

for (const { path, generate } of PAGES) {
  const file = fileURLToPath(new URL(`../../../../${path}`, import.meta.url))
  const page = readFileSync(file, 'utf8')
  const next = await generate(page)
  if (next !== page) writeFileSync(file, next)
  console.log(`${path}: ${next === page ? 'up to date' : 'written'}`)
}
