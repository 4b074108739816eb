/** Contents and credentials that say whose they are: `r17.r17.r17.…` is of the response to request 17. */

import type { RequestScript } from '../script/script.js'

/** Longest piece that is made at once. */
export const MAX_PIECE = 16_384

/** Shortest pattern that is made. */
const LEAST_PATTERN = 1_024

let lastText = ''
let lastPattern: Buffer = Buffer.alloc(0)

/** Repeats a text for at least `length` bytes. */
function patternOf(text: string, length: number): Buffer {
  const isSame = text === lastText
  if (isSame && lastPattern.length >= length + text.length) return lastPattern
  const size = length <= LEAST_PATTERN ? LEAST_PATTERN : MAX_PIECE
  lastText = text
  lastPattern = Buffer.alloc(size + text.length, text, 'latin1')
  return lastPattern
}

/** Which content: of a response or of a request. */
export type Kind = 'r' | 'u'

/** `length` bytes of a content from `offset` on, at most {@link MAX_PIECE}. Not to be changed. */
export function piece(kind: Kind, id: number, offset: number, length: number): Buffer {
  const text = `${kind}${id}.`
  const start = offset % text.length
  return patternOf(text, length).subarray(start, start + length)
}

/** Whether `bytes` are those of a content from `offset` on. */
export function matches(kind: Kind, id: number, offset: number, bytes: Uint8Array): boolean {
  const text = `${kind}${id}.`
  for (let at = 0; at < bytes.length; at += MAX_PIECE) {
    const length = Math.min(MAX_PIECE, bytes.length - at)
    const start = (offset + at) % text.length
    if (patternOf(text, length).compare(bytes, at, at + length, start, start + length) !== 0) return false
  }
  return true
}

/** A whole content. */
export function whole(kind: Kind, id: number, length: number): Buffer {
  return Buffer.alloc(length, `${kind}${id}.`, 'latin1')
}

/** The credentials that a caller sends to the origin of a request. */
export function credentialsFor({ origin, isolation }: RequestScript): string {
  return `Bearer ${origin}${isolation === undefined ? '' : ` ${isolation}`}`
}
