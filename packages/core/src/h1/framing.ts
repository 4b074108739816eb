/** How the content of a response is framed (RFC 9112 §6.3), from its fields. */

/** Content that ends with the connection. */
export const UNTIL_CLOSE: number = Number.POSITIVE_INFINITY

/** The fields of a response that concern its content and its connection. */
export interface FramingFields {
  /** `content-length`; -1 where it is absent. */
  length: number
  /** `transfer-encoding`, its lines joined with commas. */
  coding: string | undefined
  /** How long the server keeps an idle connection, in milliseconds; -1 where it does not say. */
  keepAliveMs: number
}

/** Reads the fields that matter here. llhttp has held `content-length` to its syntax. */
export function framingFields(fields: readonly string[], into: FramingFields): FramingFields {
  into.length = -1
  into.coding = undefined
  into.keepAliveMs = -1
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    const { length } = name
    if (length === 14 && name === 'content-length') into.length = Number(fields[i + 1])
    else if (length === 17 && name === 'transfer-encoding')
      into.coding = into.coding === undefined ? fields[i + 1]! : `${into.coding},${fields[i + 1]!}`
    else if (length === 10 && name === 'keep-alive') into.keepAliveMs = keepAliveMs(fields[i + 1]!)
  }
  return into
}

/** Codings of content that were not asked for (RFC 9112 §7.4), and that nothing here decodes. */
const COMPRESSIONS: ReadonlySet<string> = new Set(['gzip', 'x-gzip', 'deflate', 'compress', 'x-compress', 'br', 'zstd'])

/**
 * What `transfer-encoding` makes of the content: `chunked`; {@link UNTIL_CLOSE} where chunked is not the last coding (RFC 9112 §6.3); or a
 * sentence that says why the content cannot be read.
 */
export function codingOf(coding: string): 'chunked' | number | { readonly refusal: string } {
  const codings: string[] = []
  for (const part of coding.split(',')) {
    const name = trimBlanks(part).toLowerCase()
    if (name !== '') codings.push(name)
  }
  for (const name of codings) if (COMPRESSIONS.has(name)) return { refusal: 'a transfer coding that was not asked for' }
  if (codings.at(-1) !== 'chunked') return UNTIL_CLOSE
  return codings.length === 1 ? 'chunked' : { refusal: 'chunked is not its only transfer coding' }
}

/** RFC 9110 §5.6.3: SP and HTAB at the ends are not part of a value. */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  while (start < end && isBlank(text.charCodeAt(start))) start++
  return end - start === text.length ? text : text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** The parameter `timeout` of a `keep-alive` field, in milliseconds; -1 where it is absent. */
function keepAliveMs(value: string): number {
  let at = value.toLowerCase().indexOf('timeout=')
  if (at === -1) return -1
  let seconds = -1
  for (at += 8; at < value.length; at++) {
    const digit = value.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9 || seconds > 1_000_000) break
    seconds = Math.max(seconds, 0) * 10 + digit
  }
  return seconds === -1 ? -1 : seconds * 1_000
}
