/** `content-disposition` of a part (RFC 7578 §4.2): what it is called, and the name of the file it was. */

import { parse } from 'content-disposition'

/** Both as they were meant; `undefined` where they were not said, or nothing can be made of the field. */
export interface Disposition {
  readonly name: string | undefined
  readonly filename: string | undefined
}

/** @param value octets as characters, as fields travel. */
export function parseDisposition(value: string | undefined): Disposition {
  if (value === undefined || value.length > MAX_LENGTH) return NOTHING
  try {
    const { parameters } = parse(withLiteralBackslashes(value))
    return { name: meant(parameters.name), filename: meant(parameters.filename) }
  } catch {
    // A part is worth more than its label.
    return NOTHING
  }
}

/** The longest field that is looked into, in characters: a label that is longer names nothing. */
const MAX_LENGTH = 16_384

/**
 * In forms a backslash is a character like any other (HTML standard, multipart/form-data encoding; Windows has paths of them), where RFC 6266 would have
 * it quote the next one. Only before a quote that does not end the value it does.
 */
function withLiteralBackslashes(value: string): string {
  if (!value.includes('\\')) return value
  let text = ''
  for (let i = 0; i < value.length; i++) {
    text += value[i] === '\\' && !quotes(value, i + 1) ? '\\\\' : value[i]
  }
  return text
}

/** Whether there is a quote at `at` that stands inside a value: what follows is neither the end nor the next parameter. */
function quotes(value: string, at: number): boolean {
  return value[at] === '"' && at + 1 < value.length && value[at + 1] !== ';'
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
