/**
 * Subresource Integrity: compares content with user-supplied hashes (SRI §3.3). Only the strongest
 * of several algorithms counts.
 */

interface Metadata {
  readonly algorithm: string
  /** Base64 without padding; `undefined` if malformed: it then matches nothing. */
  readonly digest: string | undefined
}

/** Weakest to strongest (SRI §3.2). */
const ALGORITHMS = ['sha256', 'sha384', 'sha512']

/**
 * Returns the relevant metadata of `init.integrity`; empty if it names no known algorithm, which
 * allows everything (SRI §3.3.4). A malformed word of a known algorithm counts: content must not
 * pass because of a stray quote.
 */
export function parseIntegrity(text: string): Metadata[] {
  const all: Metadata[] = []
  for (const word of wordsOf(text)) {
    const lower = word.toLowerCase()
    const algorithm = ALGORITHMS.findLast((name) => lower.includes(name))
    if (algorithm !== undefined) all.push({ algorithm, digest: digestOf(word, lower, algorithm) })
  }
  const strongest = ALGORITHMS.findLast((name) => all.some(({ algorithm }) => algorithm === name))
  return all.filter(({ algorithm }) => algorithm === strongest)
}

/** Whether the content matches one of the hashes. */
export function matchesIntegrity(bytes: Uint8Array, metadata: readonly Metadata[]): boolean {
  if (metadata.length === 0) return true
  const { createHash } = process.getBuiltinModule('node:crypto')
  const actual = createHash(metadata[0]!.algorithm).update(bytes).digest('base64').replaceAll('=', '')
  return metadata.some(({ digest }) => digest === actual)
}

/** Minimum length of a word with an algorithm, in characters. */
const MIN_LENGTH = 6

/**
 * Returns the words between whitespace (Infra standard §4.7, "split on ASCII whitespace") that may
 * name an algorithm.
 */
function wordsOf(text: string): string[] {
  const words: string[] = []
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && !isSpace(text.charCodeAt(at))) continue
    if (at - start >= MIN_LENGTH) words.push(text.slice(start, at))
    start = at + 1
  }
  return words
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0b)
}

/**
 * Parses `algorithm-digest?options`, with at most two padding characters. Hashes may also be
 * base64url.
 */
function digestOf(word: string, lower: string, algorithm: string): string | undefined {
  if (!lower.startsWith(`${algorithm}-`)) return undefined
  const question = word.indexOf('?')
  const end = question === -1 ? word.length : question
  if (end > MAX_LENGTH) return undefined
  let digest = ''
  let at = algorithm.length + 1
  for (; at < end && word[at] !== '='; at++) {
    const character = BASE64URL.get(word[at]!) ?? word[at]!
    if (!isBase64(character.charCodeAt(0))) return undefined
    digest += character
  }
  const padding = end - at
  if (digest === '' || padding > 2 || word.slice(at, end) !== '=='.slice(0, padding)) return undefined
  return digest
}

/** Maximum length of an algorithm with its digest, in characters. */
const MAX_LENGTH = 128

const BASE64URL: ReadonlyMap<string, string> = new Map([
  ['-', '+'],
  ['_', '/'],
])

function isBase64(code: number): boolean {
  return (
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2b ||
    code === 0x2f
  )
}
