/** Contents and credentials that say whose they are: `r17.r17.r17.…` is of the response to request 17. */

import type { RequestScript } from '../script/script.js'

/** Longest piece that is made at once. */
export const MAX_PIECE = 16_384

let lastText = ''
let lastPattern: Buffer = Buffer.alloc(0)

function patternOf(text: string): Buffer {
  if (text === lastText) return lastPattern
  lastText = text
  lastPattern = Buffer.alloc(MAX_PIECE + text.length, text, 'latin1')
  return lastPattern
}

/** Which content: of a response or of a request. */
export type Kind = 'r' | 'u'

/** `length` bytes of a content from `offset` on, at most {@link MAX_PIECE}. Not to be changed. */
export function piece(kind: Kind, id: number, offset: number, length: number): Buffer {
  const text = `${kind}${id}.`
  const start = offset % text.length
  return patternOf(text).subarray(start, start + length)
}

/** Whether `bytes` are those of a content from `offset` on. */
export function matches(kind: Kind, id: number, offset: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += MAX_PIECE) {
    const part = bytes.subarray(at, at + MAX_PIECE)
    if (Buffer.compare(part, piece(kind, id, offset + at, part.length)) !== 0) return false
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
