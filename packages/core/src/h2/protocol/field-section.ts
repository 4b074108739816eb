/**
 * Field sections (RFC 9113 §8): pseudo-fields, checks for malformed responses and trailers, and the
 * encoding order of request fields. Must not know frames or streams.
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

/** One parsed field section. Immutable, because repeated sections share it. */
export interface FieldSection {
  /** `:status`, or 0 if absent, as in trailers. */
  readonly status: number
  /** The fields without pseudo-fields: name, value, name, value. Names are lower case, values Latin-1. */
  readonly fields: readonly string[]
  /** `content-length`, or -1 if absent. */
  readonly contentLength: number
  /** Why the section is malformed (RFC 9113 §8.1.1); `undefined` if it is valid. */
  readonly malformed: string | undefined
  /**
   * The section with trimmed values, if edge blanks are its only defect. See
   * `RequestHead.trimFieldValues`.
   */
  readonly trimmed: FieldSection | undefined
}

/** The parts of a request's field section. */
export interface RequestHead {
  readonly method: string
  readonly scheme: string
  readonly authority: string
  /** Protocol of an extended CONNECT (RFC 8441 §4). */
  readonly protocol?: string | undefined
  /** Path and query. */
  readonly path: string
  /** Name, value, name, value: lower-case names, checked values. */
  readonly fields: readonly string[]
  /** Names of fields that are encoded as never indexed (RFC 7541 §7.1.3). */
  readonly sensitive: ReadonlySet<string> | undefined
  /** Whether the caller wants interim responses, which are then unlimited. */
  readonly wantsInformational?: boolean
  /**
   * Whether response field values are trimmed; otherwise edge blanks make the response malformed.
   * Default false.
   */
  readonly trimFieldValues?: boolean | undefined
}

/** Parses a decoded section. The result is cached on the section. */
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
  return { ...trimmed, fields, malformed: `value of field ${quote(blank)} begins or ends with whitespace`, trimmed }
}

/** Returns the fields with SP and HTAB trimmed from both ends of each value. */
function trimmedValues(fields: readonly string[]): string[] {
  return fields.map((text, i) => (i % 2 === 0 ? text : trimBlanks(text)))
}

function countPseudoFields(all: readonly string[]): number {
  let count = 0
  while (count * 2 < all.length && all[count * 2]!.charCodeAt(0) === COLON) count++
  return count
}

const COLON = 0x3a

/**
 * Returns a defect unless `:status` is the only pseudo-field, with one valid value (RFC 9113
 * §8.3.2).
 */
function malformedPseudoFields(all: readonly string[], start: number, status: number): string | undefined {
  if (start === 0) return undefined
  if (all[0] !== ':status') return `pseudo-field ${quote(all[0]!)} in a response`
  if (start > 2) return all[2] === ':status' ? 'two :status fields' : `pseudo-field ${quote(all[2]!)} in a response`
  return status === 0 ? `:status ${quote(all[1]!)} is not a status code` : undefined
}

/**
 * Parses a status code of three digits, 100 to 999; codes above 599 are left to the caller. 0 if
 * invalid (RFC 9110 §15).
 */
function parseStatus(text: string): number {
  return /^[1-9][0-9]{2}$/.test(text) ? Number(text) : 0
}

/** Maximum size of {@link goodNames}, which is cleared when it is full. */
const MAX_KNOWN_NAMES = 1_024
/** Maximum length of a cached name, to limit memory. */
const MAX_KNOWN_NAME_LENGTH = 64
/** Cache of valid names. A server uses few. */
const goodNames = new Set<string>()

function malformedField(name: string, value: string): string | undefined {
  if (!goodNames.has(name)) {
    const malformed = malformedName(name, value)
    if (malformed !== undefined) return malformed
    if (goodNames.size >= MAX_KNOWN_NAMES) goodNames.clear()
    if (name !== 'te' && name.length <= MAX_KNOWN_NAME_LENGTH) goodNames.add(name)
  }
  // Edge blanks (RFC 9113 §8.2.1) depend on the request's options, but are never allowed in
  // content-length.
  return isFieldValue(value) && !(name === 'content-length' && hasEdgeSpace(value)) ? undefined : `value of field ${quote(name)}`
}

function malformedName(name: string, value: string): string | undefined {
  // RFC 9113 §8.3: "pseudo-header fields MUST appear in a field block before all regular field lines".
  if (name.charCodeAt(0) === COLON) return `pseudo-field ${quote(name)} after a regular field`
  // RFC 9113 §8.2.1: a name is a non-empty token without upper case.
  if (!isLowerCaseFieldName(name)) return `field name ${quote(name)}`
  // RFC 9113 §8.2.2: connection-specific fields are malformed; `te` may only be "trailers".
  if (CONNECTION_SPECIFIC_FIELDS.has(name)) return `connection-specific field ${quote(name)}`
  return name === 'te' && value !== 'trailers' ? 'field "te" other than trailers' : undefined
}

const INVALID_LENGTH = -2

/**
 * Parses content-length: digits only; identical values in a list or on several lines count as one
 * (RFC 9110 §8.6).
 */
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

/**
 * Parses at most 15 digits between two offsets, with optional blanks. One pass, because the peer
 * chooses the length.
 */
function digitsBetween(value: string, start: number, end: number): number {
  // Only SP and HTAB are blanks here; `trim` would remove more.
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

/** Returns the size of a section in bytes, with 32 more for each field (RFC 9113 §6.5.2). */
export function fieldSectionBytes(fields: readonly string[]): number {
  let bytes = 0
  for (let i = 0; i < fields.length; i += 2) bytes += fields[i]!.length + fields[i + 1]!.length + 32
  return bytes
}

/** Returns the size of a request's field section, including pseudo-fields (RFC 9113 §6.5.2). */
export function requestBytes(head: RequestHead): number {
  const bytes = head.method.length + head.authority.length + CONNECT_FIELDS_BYTES + fieldSectionBytes(head.fields)
  if (isPlainConnect(head)) return bytes
  const protocolBytes = head.protocol === undefined ? 0 : PROTOCOL_FIELD_BYTES + head.protocol.length
  return bytes + head.scheme.length + head.path.length + FURTHER_FIELDS_BYTES + protocolBytes
}

const CONNECT_FIELDS_BYTES = ':method:authority'.length + 2 * 32
const FURTHER_FIELDS_BYTES = ':scheme:path'.length + 2 * 32
const PROTOCOL_FIELD_BYTES = ':protocol'.length + 32

function isPlainConnect({ method, protocol }: RequestHead): boolean {
  return method === 'CONNECT' && protocol === undefined
}

/**
 * Encodes a request's section: pseudo-fields first (RFC 9113 §8.3); CONNECT has no scheme and path
 * (§8.5), unless it has a protocol (RFC 8441 §4).
 */
export function encodeRequest(encoder: HpackEncoder, writer: ByteWriter, head: RequestHead): void {
  const isPlain = isPlainConnect(head)
  encoder.beginBlock(writer)
  encoder.encodeField(writer, ':method', head.method, false)
  if (head.protocol !== undefined) encoder.encodeField(writer, ':protocol', head.protocol, false)
  if (!isPlain) encoder.encodeField(writer, ':scheme', head.scheme, false)
  encoder.encodeField(writer, ':authority', head.authority, false)
  if (!isPlain) encoder.encodeField(writer, ':path', head.path, false)
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
