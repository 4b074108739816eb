/** `multipart/form-data` (RFC 7578; HTML standard, "multipart/form-data encoding algorithm"): a form as one content whose length is known. */

import type { RequestBody } from '@unshard/core'

/** A form, encoded. */
export interface EncodedForm {
  readonly body: RequestBody
  readonly type: string
  /** Octets; `undefined` where the body says it itself, or nobody knows. */
  readonly length: number | undefined
}

type Entry = string | Blob
/** A part of the content: what is said about an entry, or the entry. */
type Piece = string | Blob

/**
 * Octets of randomness in a boundary. Who can guess it can forge the parts that follow their own (CVE-2025-22150), so it has 144 bits.
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

/** That of a platform's `Blob` is checked when it is made; that of something that looks like one may have line ends, and fields behind them. */
function typeOf({ type }: Blob): string {
  return typeof type === 'string' && /^[\x20-\x7e]+$/.test(type) ? type : 'application/octet-stream'
}

/** What would end the quoted string, or the line. */
function escapeName(name: string): string {
  return name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22')
}

function toCrlf(text: string): string {
  return text.replace(/\r\n?|\n/g, '\r\n')
}

/** Text alone is octets; with files it is a `Blob`, which reads them as they are sent, as often as asked. */
function toBody(pieces: readonly Piece[]): { body: RequestBody; length: number | undefined } {
  if (pieces.every((piece): piece is string => typeof piece === 'string'))
    return { body: Buffer.from(pieces.join('')), length: undefined }
  if (pieces.every((piece) => typeof piece === 'string' || (piece as object) instanceof Blob)) {
    return { body: new Blob(pieces as (string | Blob)[]), length: undefined }
  }
  const sizes = pieces.map((piece) => (typeof piece === 'string' ? Buffer.byteLength(piece) : piece.size))
  const length = sizes.reduce((sum, size) => sum + size, 0)
  // Files of another copy of the class: the platform's own would write their names instead of their content.
  return { body: { [Symbol.asyncIterator]: () => read(pieces) }, length: Number.isInteger(length) ? length : undefined }
}

async function* read(pieces: readonly Piece[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (typeof piece === 'string') yield Buffer.from(piece)
    else yield* piece.stream() as unknown as AsyncIterable<Uint8Array>
  }
}
