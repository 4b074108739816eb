/** URLs with `{a,b}` and `[1-9]`, as in curl: each combination is a URL of its own. */

import { CommandError } from '../errors.js'
import { withoutUserInfo } from '../values.js'

/** Maximum number of URLs of one pattern. */
const MAX_URLS = 1_000_000
/** curl's exit code for a malformed URL. */
const MALFORMED_URL = 3

/** A URL of a pattern, and the text that took the place of each of its parts: `#1` is the first. */
export interface GlobbedUrl {
  readonly url: string
  readonly parts: readonly string[]
}

type Piece = { readonly text: string } | { readonly choices: readonly string[] }

/** Expands a pattern, the last part first as in curl's order. @throws CommandError with curl's exit code 3. */
export function* expandGlob(pattern: string): Generator<GlobbedUrl> {
  const pieces = parse(pattern)
  const choices = pieces.flatMap((piece) => ('choices' in piece ? [piece.choices] : []))
  const total = choices.reduce((product, { length }) => product * length, 1)
  if (total > MAX_URLS) throw globError(pattern, `has more than ${MAX_URLS} URLs`)
  for (let number = 0; number < total; number++) yield combination(pieces, choices, number)
}

function combination(pieces: readonly Piece[], choices: readonly (readonly string[])[], number: number): GlobbedUrl {
  const parts: string[] = new Array(choices.length)
  let rest = number
  for (let at = choices.length - 1; at >= 0; at--) {
    const { length } = choices[at]!
    parts[at] = choices[at]![rest % length]!
    rest = Math.floor(rest / length)
  }
  let used = 0
  return { url: pieces.map((piece) => ('text' in piece ? piece.text : parts[used++]!)).join(''), parts }
}

function parse(pattern: string): Piece[] {
  const pieces: Piece[] = []
  let text = ''
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!
    if (character === '\\' && isSpecial(pattern[at + 1])) text += pattern[++at]
    else if (character === '{' || (character === '[' && !isAddress(pattern, at))) {
      const end = endOf(pattern, at)
      const inner = pattern.slice(at + 1, end)
      pieces.push({ text }, { choices: character === '{' ? inner.split(',') : rangeOf(inner, pattern) })
      text = ''
      at = end
    } else if (character === '}') throw globError(pattern, `has a "}" without "{" at position ${at + 1}`)
    else text += character
  }
  return [...pieces, { text }]
}

function isSpecial(character: string | undefined): boolean {
  return character !== undefined && '{}[]'.includes(character)
}

/** Whether brackets have an IPv6 address: they then begin the host. */
function isAddress(pattern: string, at: number): boolean {
  const before = pattern[at - 1]
  const inner = pattern.slice(at + 1, pattern.indexOf(']', at))
  const beginsHost = before === undefined || before === '/' || before === '@'
  return beginsHost && inner.includes(':') && [...inner].every((character) => '0123456789abcdefABCDEF:.%'.includes(character))
}

function endOf(pattern: string, at: number): number {
  const [open, close] = pattern[at] === '{' ? ['{', '}'] : ['[', ']']
  const end = pattern.indexOf(close, at)
  if (end === -1) throw globError(pattern, `has a "${open}" without "${close}" at position ${at + 1}`)
  if (pattern.slice(at + 1, end).includes(open)) throw globError(pattern, `has a "${open}" inside another`)
  return end
}

/** Reads `1-9`, `001-100`, `a-z` and a step: `0-100:10`. */
function rangeOf(inner: string, pattern: string): string[] {
  const colon = inner.indexOf(':')
  const step = colon === -1 ? 1 : Number(inner.slice(colon + 1))
  const [first = '', last = '', ...others] = (colon === -1 ? inner : inner.slice(0, colon)).split('-')
  const isLetters = isLetter(first) && isLetter(last)
  const isNumbers = isNumber(first) && isNumber(last)
  const from = isLetters ? first.charCodeAt(0) : Number(first)
  const to = isLetters ? last.charCodeAt(0) : Number(last)
  const isStep = Number.isInteger(step) && step > 0
  if (others.length > 0 || !isStep || !(isLetters || isNumbers) || from > to)
    throw globError(pattern, `has an invalid range [${inner}]`)
  if ((to - from) / step >= MAX_URLS) throw globError(pattern, `has more than ${MAX_URLS} URLs`)
  const width = first.startsWith('0') ? first.length : 0
  const values = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step)
  return values.map((value) => (isLetters ? String.fromCharCode(value) : `${value}`.padStart(width, '0')))
}

function isLetter(text: string): boolean {
  return text.length === 1 && /[a-zA-Z]/.test(text)
}

function isNumber(text: string): boolean {
  return text.length > 0 && text.length < 16 && [...text].every((digit) => digit >= '0' && digit <= '9')
}

function globError(pattern: string, problem: string): CommandError {
  return new CommandError(`the URL ${JSON.stringify(withoutUserInfo(pattern))} ${problem}; -g takes it as it is`, MALFORMED_URL)
}
