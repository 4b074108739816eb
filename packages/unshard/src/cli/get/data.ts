/** Content from `-d` and its relatives, as curl joins it. */

import { readInput } from './input.js'
import type { DataPart } from './options.js'

/** Content that is sent as it is. */
export interface DataContent {
  readonly content: Buffer
  /** Of the last option: `--json` has another type than a form. */
  readonly isJson: boolean
}

const CR = 13
const LF = 10
const AMPERSAND = Buffer.from('&')

/** Joins the parts: JSON texts one after the other, others with `&`. `undefined` without parts. */
export function dataOf(parts: readonly DataPart[]): DataContent | undefined {
  const last = parts.at(-1)
  if (last === undefined) return undefined
  const pieces: Buffer[] = []
  for (const part of parts) {
    if (pieces.length > 0 && part.kind !== 'json') pieces.push(AMPERSAND)
    pieces.push(bytesOf(part))
  }
  return { content: Buffer.concat(pieces), isJson: last.kind === 'json' }
}

/** Percent-encodes one part: `content`, `=content`, `name=content`, `@file` or `name@file`. */
export function urlEncoded(option: string, text: string): string {
  const equals = text.indexOf('=')
  const at = text.indexOf('@')
  if (equals === -1 && at === -1) return percentEncoded(Buffer.from(text))
  const isFile = equals === -1 || (at !== -1 && at < equals)
  const split = isFile ? at : equals
  const name = text.slice(0, split)
  const value = isFile ? readInput(option, text.slice(split + 1)) : Buffer.from(text.slice(split + 1))
  return name === '' ? percentEncoded(value) : `${name}=${percentEncoded(value)}`
}

function bytesOf({ kind, text }: DataPart): Buffer {
  const option = kind === 'json' ? '--json' : kind === 'urlencode' ? '--data-urlencode' : '--data'
  if (kind === 'urlencode') return Buffer.from(urlEncoded(option, text))
  if (kind === 'raw' || !text.startsWith('@')) return Buffer.from(text)
  const content = readInput(option, text.slice(1))
  // As in curl: --data is for text, whose lines are one value.
  return kind === 'data' ? Buffer.from(content.filter((byte) => byte !== CR && byte !== LF && byte !== 0)) : content
}

/** Encodes all bytes except the unreserved characters (RFC 3986 §2.3); a space is `+`, as in forms. */
function percentEncoded(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    if (character === ' ') text += '+'
    else text += /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}
