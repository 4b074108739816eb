/** Writes the generated parts of the reference pages, and the man pages. `npm run reference` */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ManCommand, manPages } from './man.js'
import { PAGES } from './pages.js'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const MAN = join(ROOT, 'packages/unshard/man')

for (const { path, generate } of PAGES) {
  const file = join(ROOT, path)
  const page = readFileSync(file, 'utf8')
  const next = await generate(page)
  if (next !== page) writeFileSync(file, next)
  console.log(`${path}: ${next === page ? 'up to date' : 'written'}`)
}

const command = (await import(new URL('../../../unshard/dist/cli/run.js', import.meta.url).href)) as {
  programOf(finish: () => void, showsAll: boolean): ManCommand
}
const pages = manPages(command.programOf(() => undefined, true))
mkdirSync(MAN, { recursive: true })
for (const file of readdirSync(MAN)) if (!pages.some((page) => page.file === file)) rmSync(join(MAN, file))
for (const { file, text } of pages) writeFileSync(join(MAN, file), text)
console.log(`packages/unshard/man: ${pages.length} pages`)

const manifestPath = join(ROOT, 'packages/unshard/package.json')
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as { man: string[] }
manifest.man = pages.map(({ file }) => `./man/${file}`)
writeFileSync(manifestPath, `${JSON.stringify(manifest, undefined, 2)}\n`)
