/** `content-disposition` of a part (RFC 7578 §4.2): its name and its file name. */

import { parse } from 'content-disposition'

/** Decoded names; `undefined` if missing or if the field cannot be parsed. */
export interface Disposition {
  readonly name: string | undefined
  readonly filename: string | undefined
}

/** @param value bytes as characters, as in a field value. */
export function parseDisposition(value: string | undefined): Disposition {
  if (value === undefined || value.length > MAX_LENGTH) return NOTHING
  try {
    const { parameters } = parse(withLiteralBackslashes(value))
    return { name: meant(parameters.name), filename: meant(parameters.filename) }
  } catch {
    // Keep a part whose disposition cannot be parsed.
    return NOTHING
  }
}

/** Maximum field length that is parsed, in characters; a longer field yields no names. */
const MAX_LENGTH = 16_384

/**
 * In forms a backslash is an ordinary character (HTML standard, multipart/form-data encoding;
 * Windows paths contain them), where RFC 6266 would have it escape the next one. It escapes only a
 * quote that does not end the value.
 */
function withLiteralBackslashes(value: string): string {
  if (!value.includes('\\')) return value
  let text = ''
  for (let i = 0; i < value.length; i++) {
    text += value[i] === '\\' && !quotes(value, i + 1) ? '\\\\' : value[i]
  }
  return text
}

/** Whether a quote at `at` is inside a value: neither the end nor the next parameter follows it. */
function quotes(value: string, at: number): boolean {
  return value[at] === '"' && at + 1 < value.length && value[at + 1] !== ';'
}

const NOTHING: Disposition = { name: undefined, filename: undefined }

/**
 * Decodes a parameter as UTF-8 if it is valid (RFC 7578 §5.1) and undoes the percent-encoding of
 * browsers (HTML standard, multipart/form-data encoding).
 */
function meant(parameter: string | undefined): string | undefined {
  if (parameter === undefined) return undefined
  return utf8(parameter).replace(/%22|%0A|%0D/gi, decodeURIComponent)
}

function utf8(text: string): string {
  if (!/^[\x20-\x7e]*[\x80-\xff]/.test(text) || /[^\0-\xff]/.test(text)) return text
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'latin1'))
  } catch {
    return text
  }
}
