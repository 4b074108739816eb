/**
 * Forms of a response's head that llhttp refuses and RFC 9112 wants to be understood: folded field lines (§5.2), a content-length that is there
 * several times with one value (§6.3), or before a tab (§5.1). They are written in the plain form, and parsed again; everything else stays refused.
 */

import { trimBlanks } from './framing.js'

/** A head as llhttp takes it. `head` is all of it, its last line included. */
export function repairHead(head: string): string {
  return mergeLengths(unfold(head))
}

/**
 * RFC 9112 §5.2: "A user agent that receives an obs-fold in a response message [...] MUST replace each received obs-fold with one or more SP
 * [bytes] prior to interpreting the field value." Not behind the status line: there is no field to continue (§2.2).
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

/** RFC 9112 §6.3: a list whose values are all valid and the same is "processed with that single value". */
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
