/** Recorded content as text: UTF-8 as it is, anything else as base64. */

import { isUtf8 } from 'node:buffer'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Attempt } from './attempt.js'
import type { HarContent, HarPostData } from './format.js'
import type { Redaction } from './redaction.js'

type Decode = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const gunzip = promisify(zlib.gunzip) as Decode

/** Content codings (RFC 9110 §8.4.1); Zstandard where Node has it. */
const CODINGS: ReadonlyMap<string, Decode> = new Map([
  ['gzip', gunzip],
  ['x-gzip', gunzip],
  ['deflate', promisify(zlib.inflate) as Decode],
  ['br', promisify(zlib.brotliDecompress) as Decode],
  ...('zstdDecompress' in zlib ? [['zstd', promisify(zlib.zstdDecompress as never) as unknown as Decode] as const] : []),
])
/** As Chrome names content without `content-type`. */
const UNKNOWN_TYPE = 'x-unknown'
const FORM_TYPE = 'application/x-www-form-urlencoded'

/** The content of a response. @param maxBytes maximum size after decoding. */
export async function contentOf(attempt: Attempt, fields: ReadonlyMap<string, string>, maxBytes: number): Promise<HarContent> {
  const { body, error } = attempt
  const unread = unreadContent(attempt, fields)
  if (body === undefined) return unread
  if (body.isTooLarge) return { ...unread, comment: 'not recorded: larger than bodies.maxBytes' }
  const codings = (fields.get('content-encoding') ?? '').toLowerCase().split(',')
  const given = codings.map((each) => each.trim()).filter((each) => each !== '' && each !== 'identity')
  const bytes = body.whole()
  if (given.length === 0 || bytes.length === 0) return { ...unread, ...textOf(bytes) }
  if (error !== undefined) return { ...unread, comment: 'not recorded: it is encoded and incomplete' }
  try {
    const decoded = await decode(bytes, given, maxBytes)
    return { mimeType: unread.mimeType, size: decoded.length, compression: decoded.length - bytes.length, ...textOf(decoded) }
  } catch {
    return { ...unread, comment: 'not recorded: it cannot be decoded, or is larger than bodies.maxBytes' }
  }
}

/** Size and type of the content of a response. */
export function unreadContent({ receivedBytes }: Attempt, fields: ReadonlyMap<string, string>): HarContent {
  return { size: receivedBytes, mimeType: fields.get('content-type') ?? UNKNOWN_TYPE }
}

/** Maximum number of codings, as in `fetch`. */
const MAX_CODINGS = 5

async function decode(bytes: Buffer, codings: readonly string[], maxBytes: number): Promise<Buffer> {
  let decoded = bytes
  if (codings.length > MAX_CODINGS) throw new Error('too many codings')
  for (const coding of codings.toReversed()) {
    const decodeOne = CODINGS.get(coding)
    if (decodeOne === undefined) throw new Error(`unknown coding ${coding}`)
    decoded = await decodeOne(decoded, { maxOutputLength: Math.max(1, maxBytes) })
  }
  return decoded
}

/** The content of a request, if it is in memory. */
export function postDataOf(
  { request, body }: Attempt,
  fields: ReadonlyMap<string, string>,
  maxBytes: number,
  redaction: Redaction,
): HarPostData | undefined {
  const bytes = request.body?.bytes
  if (body === undefined || bytes === undefined || bytes.length > maxBytes) return undefined
  const mimeType = fields.get('content-type') ?? UNKNOWN_TYPE
  const { text, encoding } = textOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  if (encoding !== undefined) return { mimeType, text, _encoding: encoding }
  return { mimeType, text: mimeType.toLowerCase().startsWith(FORM_TYPE) ? redaction.form(text) : text }
}

function textOf(bytes: Buffer): { text: string; encoding?: 'base64' } {
  return isUtf8(bytes) ? { text: bytes.toString() } : { text: bytes.toString('base64'), encoding: 'base64' }
}
