/**
 * Encodes a form as `multipart/form-data` (RFC 7578; HTML standard, "multipart/form-data encoding
 * algorithm"), with a known length.
 */

import type { RequestBody } from '@unshard/core'

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

/** Encodes a form, with a new boundary. */
export function encodeForm(form: FormData): EncodedForm {
  const { randomBytes } = process.getBuiltinModule('node:crypto')
  const boundary = `----unshard${randomBytes(BOUNDARY_BYTES).toString('base64url')}`
  const pieces: Piece[] = []
  for (const [name, value] of form as Iterable<[string, Entry]>) {
    pieces.push(headOf(boundary, name, value), typeof value === 'string' ? toCrlf(value) : value, '\r\n')
  }
  pieces.push(`--${boundary}--\r\n`)
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
