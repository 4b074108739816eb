/**
 * The language of comments, messages and pages (docs/contributing/language.md). The number of phrases that the guide advises against is
 * recorded below and may only fall: lower it when you have rewritten some.
 */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** Phrases found today. */
const RECORDED = 0

const ADVISED_AGAINST: readonly RegExp[] = [
  /\b(?:somebody|nobody|whoever|whom|anybody)\b/gi,
  /\b(?:is|are|was|were) none\b/gi,
  /\bof (?:the caller's|ours|theirs)\b/gi,
  /\b(?:after|for|than|of|by) so (?:long|many|much)\b/gi,
  /\bat the (?:most|least)\b/gi,
  /\b(?:anew|for ever|in vain|meanwhile|under way)\b/gi,
  /\boctets?\b/gi,
  /\b(?:goodbye|hears|is told|are told|makes sure)\b/gi,
  /\bdial(?:ling|ler|lers|led)\b/gi,
  /^\s*(?:\/\*\*|\*|\/\/)?\s*(?:Who|Whoever|Whatever) [a-z]+/gm,
]

/** Quotations and names: an RFC's own words, media types, files and exported names. */
const ALLOWED: readonly RegExp[] = [
  /application\/octet-stream/g,
  /"[^"\n]*octets?[^"\n]*"/g,
  /`[^`\n]*`/g,
  /docs\/contributing\/language/g,
]

/** Pages that quote RFCs, or the phrases themselves. */
const QUOTING =
  /(?:(?:conformance|contributing\/language|contributing\/glossary|NOTICE|benchmarks)\.md|docs\/language\.test\.ts)$/

function textOf(file: string, source: string): string {
  if (file.endsWith('.md')) return source.replace(/```[\s\S]*?```/g, '')
  return [...source.matchAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*/g)].map(([comment]) => comment).join('\n')
}

function phrasesIn(text: string): string[] {
  const plain = ALLOWED.reduce((rest, allowed) => rest.replace(allowed, ''), text)
  return ADVISED_AGAINST.flatMap((pattern) => [...plain.matchAll(pattern)].map(([phrase]) => phrase.trim()))
}

it('finds the phrases that the guide advises against, and not in quotations', () => {
  expect(phrasesIn('Whoever hears of it in vain: "six octets"')).toEqual(['Whoever', 'in vain', 'hears', 'Whoever hears'])
})

it('the number of such phrases has not grown', () => {
  const files = execFileSync('git', ['ls-files', 'packages/*/src/*.ts', 'packages/*/test/*.ts', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  }).split('\n')
  const found = files
    .filter((file) => file !== '' && !QUOTING.test(file))
    .flatMap((file) => phrasesIn(textOf(file, readFileSync(`${root}/${file}`, 'utf8'))).map((phrase) => `${file}: ${phrase}`))
  expect({ phrases: found.length, recorded: RECORDED, found: found.length > RECORDED ? found : [] }).toEqual({
    phrases: RECORDED,
    recorded: RECORDED,
    found: [],
  })
})
