/** Metadata of calls made by this client: fields of HTTP, with binary values under names that end in `-bin`. */

import { Fields, UsageError } from '@unshard/core'
import { isIterable, shownValue } from '@unshard/core/internal'

/** A value: bytes under a name that ends in `-bin`, else printable ASCII text. */
export type MetadataValue = string | Uint8Array

/** Metadata to send: a record, whose values may be lists, or pairs. */
export type MetadataInput =
  | Readonly<Record<string, MetadataValue | readonly MetadataValue[]>>
  | Iterable<readonly [string, MetadataValue]>

/** Received metadata. Names are in lower case. */
export class CallMetadata extends Fields {
  /** The first value of a name that ends in `-bin`, as bytes; `undefined` without one. */
  getBytes(name: string): Uint8Array | undefined {
    return this.getAllBytes(name)[0]
  }

  /** All values of a name that ends in `-bin`, as bytes. */
  getAllBytes(name: string): Uint8Array[] {
    // A proxy may have joined values with commas.
    return this.getAll(name).flatMap((value) => value.split(',').map((each) => Buffer.from(each.trim(), 'base64')))
  }
}

/**
 * Returns metadata as fields.
 * @throws UsageError `ERR_INVALID_FIELD_VALUE` for a value of the wrong kind; the request checks names and characters.
 */
export function metadataFields(given: MetadataInput | undefined): [string, string][] {
  if (given === undefined) return []
  const fields: [string, string][] = []
  const pairs = isIterable(given) ? (given as Iterable<readonly [string, MetadataValue]>) : Object.entries(given)
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase()
    for (const each of Array.isArray(value) ? (value as MetadataValue[]) : [value as MetadataValue])
      fields.push([lower, textOf(lower, each)])
  }
  return fields
}

function textOf(name: string, value: MetadataValue): string {
  const isBinary = name.endsWith('-bin')
  if (isBinary && value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  if (!isBinary && typeof value === 'string') return value
  const wanted = isBinary ? 'bytes, because its name ends in -bin' : 'text'
  throw new UsageError('ERR_INVALID_FIELD_VALUE', `the metadata ${shownValue(name)} must be ${wanted}`)
}
