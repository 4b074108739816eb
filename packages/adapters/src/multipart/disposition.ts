/** `content-disposition` of a part (RFC 7578 §4.2): what it is called, and the name of the file it was. */

import { parse } from 'content-disposition'

/** Both as they were meant; `undefined` where they were not said, or nothing can be made of the field. */
export interface Disposition {
  readonly name: string | undefined
  readonly filename: string | undefined
}

/** @param value octets as characters, as fields travel. */
export function parseDisposition(value: string | undefined): Disposition {
  if (value === undefined) return NOTHING
  try {
    const { parameters } = parse(value)
    return { name: meant(parameters.name), filename: meant(parameters.filename) }
  } catch {
    // A part is worth more than its label.
    return NOTHING
  }
}

const NOTHING: Disposition = { name: undefined, filename: undefined }

/** RFC 7578 §5.1: UTF-8, if it is that. What browsers percent-encode in it (HTML standard, multipart/form-data encoding) is undone. */
function meant(parameter: string | undefined): string | undefined {
  if (parameter === undefined) return undefined
  return utf8(parameter).replace(/%22|%0A|%0D/gi, decodeURIComponent)
}

function utf8(octets: string): string {
  if (!/^[\x20-\x7e]*[\x80-\xff]/.test(octets) || /[^\0-\xff]/.test(octets)) return octets
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(octets, 'latin1'))
  } catch {
    return octets
  }
}
