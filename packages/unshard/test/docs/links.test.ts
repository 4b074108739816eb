/** Every relative link in the Markdown files of the repository leads to a file, and every anchor to a heading. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
/** Pages on npm cannot use relative links: these lead to the repository as well. */
const REPOSITORY = 'https://github.com/unshard/unshard/blob/HEAD/'
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git'])

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : markdownIn(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

const withoutCode = (text: string): string => text.replaceAll(/```.*?```/gs, '').replaceAll(/`[^`\n]*`/g, '')

/** Anchors as GitHub makes them: lower case, punctuation removed, spaces as hyphens, repeated ones numbered. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading] of text.replaceAll(/```.*?```/gs, '').matchAll(/^#{1,6} +(.*)$/gm)) {
    const plain = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = plain.replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '').replaceAll(' ', '-')
    let unique = anchor
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`
    anchors.add(unique)
  }
  return anchors
}

function targetsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)].map(([, target]) => target!)
}

/** The problem with a link, or `undefined`. */
function problemOf(target: string, page: string): string | undefined {
  const local = target.startsWith(REPOSITORY) ? join(root, target.slice(REPOSITORY.length)) : target
  if (/^[a-z][a-z0-9+.-]*:/.test(local)) return undefined
  const [path = '', anchor] = local.split('#')
  const file = path === '' ? page : path.startsWith('/') ? path : join(dirname(page), path)
  if (!existsSync(file)) return 'no such file'
  if (anchor === undefined) return undefined
  if (statSync(file).isDirectory() || !file.endsWith('.md')) return 'an anchor into a file that is not Markdown'
  return anchorsOf(readFileSync(file, 'utf8')).has(anchor) ? undefined : 'no such heading'
}

const pages = markdownIn(root)

it('finds the pages and their links', () => {
  expect(pages.length).toBeGreaterThan(60)
  expect(pages.flatMap((page) => targetsOf(readFileSync(page, 'utf8'))).length).toBeGreaterThan(200)
})

it.each(pages.map((page) => relative(root, page)))('every link of %s leads somewhere', (name) => {
  const page = join(root, name)
  const broken = targetsOf(readFileSync(page, 'utf8')).flatMap((target) => {
    const problem = problemOf(target, page)
    return problem === undefined ? [] : [`${target}: ${problem}`]
  })
  expect(broken).toEqual([])
})

it('every page of docs is reachable from its map', () => {
  const seen = new Set<string>()
  const visit = (page: string): void => {
    if (seen.has(page) || !page.endsWith('.md')) return
    seen.add(page)
    for (const target of targetsOf(readFileSync(page, 'utf8'))) {
      const file = join(dirname(page), target.split('#')[0]!)
      if (!/^[a-z]+:/.test(target) && existsSync(file)) visit(file)
    }
  }
  visit(join(root, 'docs/README.md'))
  const unreachable = pages.filter((page) => page.startsWith(join(root, 'docs/')) && !seen.has(page))
  expect(unreachable.map((page) => relative(root, page))).toEqual([])
})

describe('the check itself', () => {
  const page = join(root, 'README.md')
  it.each([
    ['a missing file', 'docs/missing.md', 'no such file'],
    ['a missing heading', 'docs/README.md#missing', 'no such heading'],
    ['an anchor into source code', 'packages/core/package.json#x', 'an anchor into a file that is not Markdown'],
    ['a missing file of the repository on the web', `${REPOSITORY}docs/missing.md`, 'no such file'],
  ])('reports %s', (_title, target, problem) => expect(problemOf(target, page)).toBe(problem))
  it('accepts a heading', () => expect(problemOf('docs/README.md#look-up', page)).toBeUndefined())
})
