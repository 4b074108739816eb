/** Media type and content of `data:` URLs (Fetch standard §6). */

import { UsageError } from '@unshard/core'
import { quoted } from './location.js'
import { parseMimeType, serializeMimeType } from './mime-type.js'

/** Parsed `data:` URL. */
export interface DataUrl {
  readonly type: string
  readonly bytes: Uint8Array
}

const DEFAULT_TYPE = 'text/plain;charset=US-ASCII'
/** @throws UsageError `ERR_DATA_URL` for a missing comma or invalid base64. */
export function parseDataUrl(url: URL): DataUrl {
  const input = url.href.slice('data:'.length, url.href.length - url.hash.length)
  const comma = input.indexOf(',')
  if (comma === -1) throw new UsageError('ERR_DATA_URL', `the data: URL has no comma: ${quoted(url.href)}`)
  const described = trimmed(input.slice(0, comma))
  const content = percentDecode(input.slice(comma + 1))
  const mark = base64Mark(described)
  if (mark === -1) return { type: toType(described), bytes: content }
  return { type: toType(described.slice(0, mark)), bytes: forgivingBase64(content) }
}

const BASE64 = 'base64'

/** Returns the position of `; base64` at the end of the description; -1 if it is missing. */
function base64Mark(described: string): number {
  let at = described.length - BASE64.length
  if (at < 1 || described.slice(at).toLowerCase() !== BASE64) return -1
  while (at > 0 && described[at - 1] === ' ') at--
  return at > 0 && described[at - 1] === ';' ? at - 1 : -1
}

function toType(text: string): string {
  const type = parseMimeType(text.startsWith(';') ? `text/plain${text}` : text)
  return type === undefined ? DEFAULT_TYPE : serializeMimeType(type)
}

/** URL standard §1.3: invalid escapes are kept as they are. */
function percentDecode(text: string): Uint8Array {
  const input = Buffer.from(text)
  if (!text.includes('%')) return input
  const output = Buffer.allocUnsafeSlow(input.length)
  let length = 0
  for (let at = 0; at < input.length; at++) {
    const byte = input[at]!
    const escaped = byte === PERCENT ? hexAt(input, at + 1) : -1
    output[length++] = escaped === -1 ? byte : escaped
    if (escaped !== -1) at += 2
  }
  return output.subarray(0, length)
}

const PERCENT = 0x25

/** Returns the byte that two hexadecimal digits represent; -1 if they are not hexadecimal. */
function hexAt(input: Uint8Array, at: number): number {
  const high = digit(input[at])
  const low = digit(input[at + 1])
  return high === -1 || low === -1 ? -1 : high * 16 + low
}

function digit(code: number | undefined): number {
  if (code === undefined) return -1
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Infra standard §7: ignores whitespace, accepts missing padding, rejects everything else. */
function forgivingBase64(content: Uint8Array): Uint8Array {
  const kept = Buffer.allocUnsafeSlow(content.length)
  let length = 0
  for (let i = 0; i < content.length; i++) {
    const byte = content[i]!
    if (!isSpace(byte)) kept[length++] = byte
  }
  if (length % 4 === 0) {
    for (let padding = 0; padding < 2 && kept[length - 1] === EQUALS; padding++) length--
  }
  for (let i = 0; i < length; i++) if (!isBase64(kept[i]!)) throw notBase64()
  if (length % 4 === 1) throw notBase64()
  return Buffer.from(kept.toString('latin1', 0, length), 'base64')
}

const EQUALS = 0x3d

function notBase64(): UsageError {
  return new UsageError('ERR_DATA_URL', 'the content of the data: URL is not valid base64')
}

function isBase64(code: number): boolean {
  const lower = code | 0x20
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0x2f && code <= 0x39) || code === 0x2b
}

/** Infra standard §4.7, "ASCII whitespace". */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0b)
}

function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}
