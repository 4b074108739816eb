/**
 * Encodes a form as `multipart/form-data` (RFC 7578; HTML standard, "multipart/form-data encoding
 * algorithm"), with a known length.
 */

import { UsageError } from '../errors/errors.js'
import { isFieldValue, isToken } from '../field-syntax.js'
import { shownValue } from '../schema/option-checks.js'
import type { FieldsInit } from './fields.js'
import { linesOf } from './made-response.js'
import type { RequestBody } from './request-content.js'

/** An encoded form. */
export interface EncodedForm {
  readonly body: RequestBody
  readonly type: string
  /** Length in bytes; `undefined` if the body itself knows it or it is unknown. */
  readonly length: number | undefined
}

type Entry = string | Blob
/** A piece of the content: the header of an entry, or the entry. */
type Piece = string | Blob

/**
 * Random bytes in a boundary: 144 bits. A guessable boundary lets an attacker forge the parts that
 * follow (CVE-2025-22150).
 */
const BOUNDARY_BYTES = 18

/** One part of a form, with fields of its own. */
export interface FormPart {
  readonly name: string
  /** Content; text is sent as UTF-8. */
  readonly content: string | Uint8Array | Blob
  /** Name of the file. @default that of a `File`, `blob` for a `Blob`, none otherwise */
  readonly filename?: string
  /** Further fields of the part, such as `content-type` or `content-language` (RFC 7578 §4.8). @default the type of a `Blob` */
  readonly headers?: FieldsInit
}

/** Encodes a form, with a new boundary. */
export function encodeForm(form: FormData): EncodedForm {
  return encode((boundary) =>
    [...(form as Iterable<[string, Entry]>)].flatMap(([name, value]) => [
      headOf(boundary, name, value),
      typeof value === 'string' ? toCrlf(value) : value,
      '\r\n',
    ]),
  )
}

/**
 * Encodes a list of parts.
 * @throws UsageError `ERR_INVALID_BODY` for an invalid part, `ERR_INVALID_FIELD_NAME`, `ERR_INVALID_FIELD_VALUE`.
 */
export function encodeParts(parts: readonly FormPart[]): EncodedForm {
  return encode((boundary) =>
    parts.flatMap((part) => {
      const { name, content } = part
      if (typeof name !== 'string' || !isContent(content)) throw invalidPart(part)
      const blob =
        typeof content === 'string' || (content as object) instanceof Blob ? (content as Entry) : new Blob([content as never])
      return [partHead(boundary, part), blob, '\r\n']
    }),
  )
}

function isContent(content: unknown): boolean {
  return typeof content === 'string' || content instanceof Uint8Array || content instanceof Blob
}

function invalidPart(part: unknown): UsageError {
  return new UsageError(
    'ERR_INVALID_BODY',
    `a part of multipart is { name, content } with text, bytes or a Blob, not ${shownValue(part)}`,
  )
}

function partHead(boundary: string, { name, content, filename, headers }: FormPart): string {
  const file = filename ?? (content instanceof Blob ? String((content as File).name ?? 'blob') : undefined)
  const quoted = file === undefined ? '' : `; filename="${escapeName(file)}"`
  const lines = [`Content-Disposition: form-data; name="${escapeName(toCrlf(name))}"${quoted}`]
  const own = headers === undefined ? [] : linesOf(headers)
  if (content instanceof Blob && !own.includes('content-type')) lines.push(`Content-Type: ${typeOf(content)}`)
  for (let i = 0; i < own.length; i += 2) lines.push(fieldLine(own[i]!, own[i + 1]!))
  return `--${boundary}\r\n${lines.join('\r\n')}\r\n\r\n`
}

function fieldLine(name: string, value: string): string {
  if (!isToken(name)) throw new UsageError('ERR_INVALID_FIELD_NAME', `field name ${shownValue(name)} of a part is not a token`)
  if (!isFieldValue(value)) throw new UsageError('ERR_INVALID_FIELD_VALUE', `field ${name} of a part has invalid characters`)
  return `${name}: ${value}`
}

function encode(piecesFor: (boundary: string) => Piece[]): EncodedForm {
  const { randomBytes } = process.getBuiltinModule('node:crypto')
  const boundary = `----unshard${randomBytes(BOUNDARY_BYTES).toString('base64url')}`
  const pieces = [...piecesFor(boundary), `--${boundary}--\r\n`]
  return { ...toBody(pieces), type: `multipart/form-data; boundary=${boundary}` }
}

function headOf(boundary: string, name: string, value: Entry): string {
  const disposition = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(toCrlf(name))}"`
  if (typeof value === 'string') return `${disposition}\r\n\r\n`
  const filename = escapeName(String((value as File).name ?? 'blob'))
  return `${disposition}; filename="${filename}"\r\nContent-Type: ${typeOf(value)}\r\n\r\n`
}

/**
 * Returns the type of a `Blob`. The platform's `Blob` validates it; a look-alike may contain line
 * ends and so inject fields.
 */
function typeOf({ type }: Blob): string {
  return typeof type === 'string' && /^[\x20-\x7e]+$/.test(type) ? type : 'application/octet-stream'
}

/** Escapes characters that would end the quoted string or the line. */
function escapeName(name: string): string {
  return name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22')
}

function toCrlf(text: string): string {
  return text.replace(/\r\n?|\n/g, '\r\n')
}

/**
 * Text alone becomes bytes; with files the body is a `Blob`, which reads them while they are sent
 * and can be sent again.
 */
function toBody(pieces: readonly Piece[]): { body: RequestBody; length: number | undefined } {
  if (pieces.every((piece): piece is string => typeof piece === 'string'))
    return { body: Buffer.from(pieces.join('')), length: undefined }
  if (pieces.every((piece) => typeof piece === 'string' || (piece as object) instanceof Blob)) {
    return { body: new Blob(pieces as (string | Blob)[]), length: undefined }
  }
  const sizes = pieces.map((piece) => (typeof piece === 'string' ? Buffer.byteLength(piece) : piece.size))
  const length = sizes.reduce((sum, size) => sum + size, 0)
  // Files of another copy of the class: the platform's `Blob` would send their names instead of
  // their content.
  return { body: { [Symbol.asyncIterator]: () => read(pieces) }, length: Number.isInteger(length) ? length : undefined }
}

async function* read(pieces: readonly Piece[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (typeof piece === 'string') yield Buffer.from(piece)
    else yield* piece.stream() as unknown as AsyncIterable<Uint8Array>
  }
}
