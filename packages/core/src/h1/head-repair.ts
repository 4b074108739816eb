/**
 * Normalizes response heads that llhttp rejects but RFC 9112 allows: folded field lines (§5.2), a
 * repeated content-length with the same value (§6.3), or one before a tab (§5.1). The normalized
 * head is parsed again.
 */

import { trimBlanks } from './framing.js'

/** Returns a head that llhttp accepts. `head` includes the empty line at the end. */
export function repairHead(head: string): string {
  return mergeLengths(unfold(head))
}

/**
 * Replaces each obs-fold with spaces (RFC 9112 §5.2). Not after the status line, where there is no
 * field to continue (§2.2).
 */
function unfold(head: string): string {
  const statusEnd = head.indexOf('\n')
  let unfolded = ''
  let done = 0
  for (let at = head.indexOf('\r\n', statusEnd + 1); at !== -1; at = head.indexOf('\r\n', at + 2)) {
    const next = head[at + 2]
    if (next !== ' ' && next !== '\t') continue
    unfolded += `${head.slice(done, at)}  `
    done = at + 2
  }
  return unfolded + head.slice(done)
}

/** Merges identical valid content-length values into one (RFC 9112 §6.3). */
function mergeLengths(head: string): string {
  const lines = head.split('\r\n')
  const values = lines.flatMap((line) => (isLength(line) ? line.slice(NAME.length).split(',') : [])).map(trimBlanks)
  const [first] = values
  if (first === undefined || !isDigits(first) || values.some((value) => value !== first)) return head
  const place = lines.findIndex(isLength)
  return lines
    .map((line, i) => (i === place ? NAME + first : line))
    .filter((line, i) => i === place || !isLength(line))
    .join('\r\n')
}

const NAME = 'content-length:'

function isLength(line: string): boolean {
  return line.slice(0, NAME.length).toLowerCase() === NAME
}

function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x30 || text.charCodeAt(i) > 0x39) return false
  return text.length > 0
}
