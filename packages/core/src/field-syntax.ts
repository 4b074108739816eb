/**
 * Syntax of field names, field values and methods (RFC 9110 §5.1, §5.5, §5.6.2; RFC 9113 §8.2.1).
 * Must not import anything, because both `message/` and the engines use it.
 */

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const LOWER_TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** Characters that a field value must not contain: anything but HTAB, SP, VCHAR and obs-text. */
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/

/** Whether `text` is a token (RFC 9110 §5.6.2), like a method or a field name. */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/** Whether `name` is valid in HTTP/2: a token without upper-case letters (RFC 9113 §8.2.1). */
export function isLowerCaseFieldName(name: string): boolean {
  return LOWER_TOKEN.test(name)
}

/**
 * Whether `value` has only characters that a field value may contain, without CR, LF and NUL (RFC
 * 9110 §5.5).
 */
export function isFieldValue(value: string): boolean {
  return !NOT_IN_VALUE.test(value)
}

/** Whether `value` starts or ends with SP or HTAB, which RFC 9113 §8.2.1 forbids in HTTP/2. */
export function hasEdgeSpace(value: string): boolean {
  return isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1))
}

/** Whether a character is SP or HTAB (RFC 9110 §5.6.3). */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Trims SP and HTAB at both ends, in linear time, because the peer chooses their number. */
export function trimBlanks(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && isBlank(value.charCodeAt(start))) start++
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--
  return start === 0 && end === value.length ? value : value.slice(start, end)
}

/**
 * Connection-specific fields, which HTTP/2 forbids (RFC 9113 §8.2.2). `te` is not listed, because
 * `te: trailers` is allowed.
 */
export const CONNECTION_SPECIFIC_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])
