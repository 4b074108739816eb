/**
 * Prepares a release: sets the version that the changesets ask for, moves their texts into `CHANGELOG.md` and dates its section.
 * A version marked "(unreleased)" in `CHANGELOG.md` was never published, and stays as it is.
 */

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const KINDS = ['Added', 'Changed', 'Fixed']
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const changesets = readdirSync(join(root, '.changeset')).filter((name) => /^(?!README).*\.md$/.test(name))
const texts = changesets.map((name) => [name, readFileSync(join(root, '.changeset', name), 'utf8')])

/** Splits Markdown at its `### ` headings: heading → text. */
function sectionsOf(markdown) {
  const [before, ...sections] = markdown.split(/^### /m)
  return {
    before,
    sections: new Map(sections.map((text) => [text.split('\n', 1)[0].trim(), text.slice(text.indexOf('\n') + 1).trim()])),
  }
}

/** Collects the lines of all changesets by kind. */
function collect() {
  const collected = new Map()
  for (const [name, text] of texts) {
    // Links of a changeset are relative to its folder, links of the changelog to the root.
    const { sections } = sectionsOf(text.replaceAll('](../', ']('))
    const unknown = [...sections.keys()].filter((kind) => !KINDS.includes(kind))
    if (sections.size === 0 || unknown.length > 0)
      throw new Error(`.changeset/${name}: headings must be ### ${KINDS.join(', ### ')}`)
    for (const [kind, lines] of sections) collected.set(kind, [...(collected.get(kind) ?? []), lines])
  }
  return collected
}

const versionOf = () => JSON.parse(readFileSync(join(root, 'packages/unshard/package.json'), 'utf8')).version

/** Adds the collected lines to one section of the changelog, in the order Added, Changed, Fixed. */
function extend(section, collected) {
  const { before, sections } = sectionsOf(section)
  const parts = KINDS.flatMap((kind) => {
    const lines = [sections.get(kind), ...(collected.get(kind) ?? [])].filter(Boolean)
    return lines.length === 0 ? [] : [`### ${kind}\n\n${lines.join('\n')}\n`]
  })
  return `${before.trim()}\n\n${parts.join('\n')}`
}

function main() {
  if (texts.length === 0) throw new Error('.changeset has no changesets: run "npm run changeset" first')
  const collected = collect()
  const page = join(root, 'CHANGELOG.md')
  const [head, ...sections] = readFileSync(page, 'utf8').split(/^(?=## )/m)
  const published = !sections[0]?.startsWith(`## ${versionOf()} (unreleased)`)
  if (published) execFileSync('npx', ['changeset', 'version'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  else for (const [name] of texts) rmSync(join(root, '.changeset', name))
  const section = published ? '' : sections.shift().replace(/^## .*/, '')
  const heading = `## ${versionOf()} (${new Date().toISOString().slice(0, 10)})`
  const released = `${heading}\n\n${extend(section, collected).trim()}\n`
  writeFileSync(
    page,
    [head.trimEnd(), released, ...sections]
      .map((text) => text.trim())
      .join('\n\n')
      .concat('\n'),
  )
  for (const path of ['packages/unshard/src/cli/version.ts', 'packages/adapters/src/har/version.ts']) {
    const constant = join(root, path)
    writeFileSync(constant, readFileSync(constant, 'utf8').replace(/'[^']+'/, `'${versionOf()}'`))
  }
  console.log(`${versionOf()}: changesets moved into CHANGELOG.md: ${texts.length}`)
}

main()
