/**
 * Field sections as HTTP sees them (RFC 9113 §8): pseudo-fields, what makes a response or its trailers malformed, and the order in
 * which a request's fields are encoded. Knows no frames and no streams.
 */

import {
  CONNECTION_SPECIFIC_FIELDS,
  hasEdgeSpace,
  isBlank,
  isFieldValue,
  isLowerCaseFieldName,
  trimBlanks,
} from '../../field-syntax.js'
import type { ByteWriter } from '../hpack/byte-writer.js'
import type { DecodedSection } from '../hpack/decoder.js'
import type { HpackEncoder } from '../hpack/encoder.js'

/** What one received field section says. Shared between responses that repeat it: never changed. */
export interface FieldSection {
  /** `:status`, or 0 where there was none, as in trailers. */
  readonly status: number
  /** The fields without pseudo-fields: name, value, name, value. Names are lower case, values Latin-1. */
  readonly fields: readonly string[]
  /** `content-length`, or -1 where it is absent. */
  readonly contentLength: number
  /** Why the section is malformed (RFC 9113 §8.1.1); `undefined` where it is not. */
  readonly malformed: string | undefined
  /** The same section without blanks at the ends of values, where these are all that is wrong with it; for requests that ask for it. */
  readonly trimmed: FieldSection | undefined
}

/** What a request's field section is made of. */
export interface RequestHead {
  readonly method: string
  readonly scheme: string
  readonly authority: string
  /** Path and query. */
  readonly path: string
  /** Name, value, name, value: lower-case names, checked values. */
  readonly fields: readonly string[]
  /** Names whose values are never put into a compression table (RFC 7541 §7.1.3). */
  readonly sensitive: ReadonlySet<string> | undefined
  /** The caller wants interim responses: there is no limit on them. */
  readonly wantsInformational?: boolean
  /** Blanks at the ends of the response's field values are taken off, in place of a malformed response. Default false. */
  readonly trimFieldValues?: boolean | undefined
}

/** Reads a decoded section, once for each: a memoised section keeps what was made of it. */
export function parseFieldSection(section: DecodedSection): FieldSection {
  const known = section.parsed as FieldSection | undefined
  if (known !== undefined) return known
  const parsed = parse(section.fields)
  section.parsed = parsed
  return parsed
}

function parse(all: readonly string[]): FieldSection {
  const start = countPseudoFields(all) * 2
  const status = start === 0 ? 0 : parseStatus(all[1]!)
  let malformed = malformedPseudoFields(all, start, status)
  let contentLength = -1
  let blank: string | undefined
  for (let i = start; i < all.length; i += 2) {
    const name = all[i]!
    const value = all[i + 1]!
    malformed ??= malformedField(name, value)
    if (hasEdgeSpace(value)) blank ??= name
    if (name === 'content-length') contentLength = parseContentLength(contentLength, value)
  }
  if (contentLength === INVALID_LENGTH) malformed ??= 'invalid content-length'
  const fields = start === 0 ? all : all.slice(start)
  if (malformed !== undefined || blank === undefined) return { status, fields, contentLength, malformed, trimmed: undefined }
  const trimmed = { status, fields: trimmedValues(fields), contentLength, malformed, trimmed: undefined }
  return { ...trimmed, fields, malformed: `value of field ${quote(blank)} begins or ends with a blank`, trimmed }
}

/** Values without SP and HTAB at their ends. */
function trimmedValues(fields: readonly string[]): string[] {
  return fields.map((text, i) => (i % 2 === 0 ? text : trimBlanks(text)))
}

function countPseudoFields(all: readonly string[]): number {
  let count = 0
  while (count * 2 < all.length && all[count * 2]!.charCodeAt(0) === COLON) count++
  return count
}

const COLON = 0x3a

/** RFC 9113 §8.3.2: exactly one `:status` and no other pseudo-field. */
function malformedPseudoFields(all: readonly string[], start: number, status: number): string | undefined {
  if (start === 0) return undefined
  if (all[0] !== ':status') return `pseudo-field ${quote(all[0]!)} in a response`
  if (start > 2) return all[2] === ':status' ? 'two :status fields' : `pseudo-field ${quote(all[2]!)} in a response`
  return status === 0 ? `:status ${quote(all[1]!)} is not a status code` : undefined
}

/** RFC 9110 §15: three digits, 100 to 999 here; what a code above 599 means is the caller's affair. 0 where it is none. */
function parseStatus(text: string): number {
  return /^[1-9][0-9]{2}$/.test(text) ? Number(text) : 0
}

/** Bounded by forgetting everything. */
const MAX_KNOWN_NAMES = 1_024
/** Longer names are rare, and would make the bound a large one. */
const MAX_KNOWN_NAME_LENGTH = 64
/** Names that were found to be good whatever their value: a server uses few. */
const goodNames = new Set<string>()

function malformedField(name: string, value: string): string | undefined {
  if (!goodNames.has(name)) {
    const malformed = malformedName(name, value)
    if (malformed !== undefined) return malformed
    if (goodNames.size >= MAX_KNOWN_NAMES) goodNames.clear()
    if (name !== 'te' && name.length <= MAX_KNOWN_NAME_LENGTH) goodNames.add(name)
  }
  // RFC 9113 §8.2.1, "A field value MUST NOT start or end with an ASCII whitespace character", is judged for each request; not where a length is said.
  return isFieldValue(value) && !(name === 'content-length' && hasEdgeSpace(value)) ? undefined : `value of field ${quote(name)}`
}

function malformedName(name: string, value: string): string | undefined {
  // RFC 9113 §8.3: "pseudo-header fields MUST appear in a field block before all regular field lines".
  if (name.charCodeAt(0) === COLON) return `pseudo-field ${quote(name)} after a regular field`
  // RFC 9113 §8.2.1: no upper case, no byte that a token cannot hold, no empty name.
  if (!isLowerCaseFieldName(name)) return `field name ${quote(name)}`
  // RFC 9113 §8.2.2: connection-specific fields; `te` may only say trailers.
  if (CONNECTION_SPECIFIC_FIELDS.has(name)) return `connection-specific field ${quote(name)}`
  return name === 'te' && value !== 'trailers' ? 'field "te" other than trailers' : undefined
}

const INVALID_LENGTH = -2

/** RFC 9110 §8.6: digits only; a list of identical values counts as one of them, and so do identical lines. */
function parseContentLength(before: number, value: string): number {
  if (before === -1 && /^[0-9]{1,15}$/.test(value)) return Number(value)
  let length = before
  for (let start = 0; start <= value.length; ) {
    const comma = value.indexOf(',', start)
    const end = comma === -1 ? value.length : comma
    const one = digitsBetween(value, start, end)
    if (one === INVALID_LENGTH || (length !== -1 && length !== one)) return INVALID_LENGTH
    length = one
    start = end + 1
  }
  return length
}

/** The digits between two places, 15 at most, with blanks around them: one pass, because the peer decides how long it is. */
function digitsBetween(value: string, start: number, end: number): number {
  // SP and HTAB alone are white space here: `trim` would take more.
  while (start < end && isBlank(value.charCodeAt(start))) start++
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--
  if (end === start || end - start > 15) return INVALID_LENGTH
  for (let i = start; i < end; i++) {
    const code = value.charCodeAt(i)
    if (code < 0x30 || code > 0x39) return INVALID_LENGTH
  }
  return Number(value.slice(start, end))
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text)
}

/** RFC 9113 §6.5.2: bytes of a section as the peer counts them, 32 more for each field. */
export function fieldSectionBytes(fields: readonly string[]): number {
  let bytes = 0
  for (let i = 0; i < fields.length; i += 2) bytes += fields[i]!.length + fields[i + 1]!.length + 32
  return bytes
}

/** The same for a request, pseudo-fields included. */
export function requestBytes(head: RequestHead): number {
  const bytes = head.method.length + head.authority.length + CONNECT_FIELDS_BYTES + fieldSectionBytes(head.fields)
  return head.method === 'CONNECT' ? bytes : bytes + head.scheme.length + head.path.length + FURTHER_FIELDS_BYTES
}

const CONNECT_FIELDS_BYTES = ':method:authority'.length + 2 * 32
const FURTHER_FIELDS_BYTES = ':scheme:path'.length + 2 * 32

/** Encodes a request's section: pseudo-fields first (RFC 9113 §8.3), CONNECT without scheme and path (§8.5). */
export function encodeRequest(encoder: HpackEncoder, writer: ByteWriter, head: RequestHead): void {
  encoder.beginBlock(writer)
  encoder.encodeField(writer, ':method', head.method, false)
  if (head.method !== 'CONNECT') encoder.encodeField(writer, ':scheme', head.scheme, false)
  encoder.encodeField(writer, ':authority', head.authority, false)
  if (head.method !== 'CONNECT') encoder.encodeField(writer, ':path', head.path, false)
  encodeFields(encoder, writer, head.fields, head.sensitive)
}

/** Encodes trailers. */
export function encodeTrailers(encoder: HpackEncoder, writer: ByteWriter, fields: readonly string[]): void {
  encoder.beginBlock(writer)
  encodeFields(encoder, writer, fields, undefined)
}

function encodeFields(
  encoder: HpackEncoder,
  writer: ByteWriter,
  fields: readonly string[],
  sensitive: ReadonlySet<string> | undefined,
): void {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    encoder.encodeField(writer, name, fields[i + 1]!, sensitive?.has(name) ?? false)
  }
}
