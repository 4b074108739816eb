/** Message framing of a response (RFC 9112 §6.3), from its fields. */

/** Length of content that ends with the connection. */
export const UNTIL_CLOSE: number = Number.POSITIVE_INFINITY

/** The response fields that define content and connection. */
export interface FramingFields {
  /** `content-length`, or -1 if absent. */
  length: number
  /** `transfer-encoding`, its lines joined with commas. */
  coding: string | undefined
  /** Time for which the server keeps an idle connection, in milliseconds, or -1 if not given. */
  keepAliveMs: number
}

/** Reads the framing fields. llhttp has checked the syntax of `content-length`. */
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

/** Transfer codings that this client neither requests nor decodes (RFC 9112 §7.4). */
const COMPRESSIONS: ReadonlySet<string> = new Set(['gzip', 'x-gzip', 'deflate', 'compress', 'x-compress', 'br', 'zstd'])

/**
 * Parses `transfer-encoding`. Returns `chunked`, {@link UNTIL_CLOSE} if chunked is not the last
 * coding (RFC 9112 §6.3), or the reason why the content is refused.
 */
export function codingOf(coding: string): 'chunked' | number | { readonly refusal: string } {
  const codings: string[] = []
  for (const part of coding.split(',')) {
    const name = trimBlanks(part).toLowerCase()
    if (name !== '') codings.push(name)
  }
  for (const name of codings) if (COMPRESSIONS.has(name)) return { refusal: 'a transfer coding that was not requested' }
  if (codings.at(-1) !== 'chunked') return UNTIL_CLOSE
  return codings.length === 1 ? 'chunked' : { refusal: 'a transfer coding besides chunked' }
}

/** Trims SP and HTAB at both ends, which are not part of a value (RFC 9110 §5.6.3). */
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

/** Returns the parameter `timeout` of a `keep-alive` field, in milliseconds, or -1 if absent. */
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
