/** Content codings (RFC 9110 §8.4.1): what a response's content is wrapped in, taken off as it streams, or at once where it is short. */

import { pipeline, type Transform } from 'node:stream'
import { ResponseError, UnshardError } from '@unshard/core'
import { gunzip } from './gunzip.js'

/** Codings one on top of another (CVE-2022-32206: a chain of a thousand). */
const MAX_CODINGS = 5
/** What short content may become without a stream, octets: decoding more of it at once would hold up everybody else. */
const MOST_AT_ONCE = 1_048_576

type Bytes = Uint8Array<ArrayBufferLike>
interface Coding {
  /** Given the first octet there is; a decoder of ours in its place where there is none. */
  stream?(first: number): Transform
  /** A decoder of ours. */
  decode?(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>
  /** @throws RangeError `ERR_BUFFER_TOO_LARGE`. */
  whole(bytes: Bytes, limit: { maxOutputLength: number }): Uint8Array
}

/** What the types of Node 20 do not know. */
interface Zstd {
  createZstdDecompress(): Transform
  readonly zstdDecompressSync: Coding['whole']
}

/** Loaded with the first content that is encoded. */
function zlib(): typeof import('node:zlib') & Zstd {
  return process.getBuiltinModule('node:zlib') as typeof import('node:zlib') & Zstd
}

/** Whether a version of Node has Zstandard. Asking `node:zlib` would load it for programs that never decode anything: two milliseconds. */
export function hasZstd(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 23 || (major === 23 && minor >= 8) || (major === 22 && minor >= 15)
}

const GZIP: Coding = { decode: gunzip, whole: (bytes, limit) => zlib().gunzipSync(bytes, limit) }
const ZSTD: Coding = {
  stream: () => zlib().createZstdDecompress(),
  whole: (bytes, limit) => zlib().zstdDecompressSync(bytes, limit),
}
const CODINGS: ReadonlyMap<string, Coding> = new Map<string, Coding>([
  ['gzip', GZIP],
  ['x-gzip', GZIP],
  // RFC 9110 §8.4.1.2 says zlib; many servers send the bare data. The first octet of zlib has 8 in its low half.
  [
    'deflate',
    {
      stream: (first) => (isZlib(first) ? zlib().createInflate() : zlib().createInflateRaw()),
      whole: (bytes, limit) => (isZlib(bytes[0]!) ? zlib().inflateSync(bytes, limit) : zlib().inflateRawSync(bytes, limit)),
    },
  ],
  ['br', { stream: () => zlib().createBrotliDecompress(), whole: (bytes, limit) => zlib().brotliDecompressSync(bytes, limit) }],
  ...(hasZstd(process.versions.node) ? ([['zstd', ZSTD]] as const) : []),
])

function isZlib(first: number): boolean {
  return (first & 0x0f) === 0x08
}

/** What requests say they accept. */
export const ACCEPT_ENCODING: string = ['gzip', 'deflate', 'br', 'zstd'].filter((name) => CODINGS.has(name)).join(', ')

/**
 * The codings of a `content-encoding` value, innermost last. Empty where one is unknown: the content is then passed on as it is.
 * @throws ResponseError `ERR_TOO_MANY_CODINGS`.
 */
export function parseCodings(value: string | undefined): string[] {
  if (value === undefined) return []
  const codings: string[] = []
  let start = 0
  while (start <= value.length) {
    const comma = value.indexOf(',', start)
    const end = comma === -1 ? value.length : comma
    const coding = value.slice(start, end).trim().toLowerCase()
    if (coding !== '' && coding !== 'identity') codings.push(coding)
    if (codings.length > MAX_CODINGS) {
      throw new ResponseError('ERR_TOO_MANY_CODINGS', `more than ${MAX_CODINGS} content codings`)
    }
    start = end + 1
  }
  return codings.every((coding) => CODINGS.has(coding)) ? codings : []
}

/**
 * Takes the codings off. An error of the source or of a decoder ends the iteration with it; leaving it ends the source.
 * @param limit octets of what comes out, and of what comes out of each decoder.
 */
export async function* decode(
  source: AsyncIterable<Uint8Array>,
  codings: readonly string[],
  limit: number,
): AsyncGenerator<Uint8Array> {
  let current: AsyncIterable<Uint8Array> = source
  for (const coding of codings.toReversed()) current = bounded(apply(current, coding), limit)
  try {
    yield* current
  } catch (cause) {
    throw toDecodeError(cause, codings)
  }
}

/**
 * The same for short content, without a stream. `undefined` where it is no short one once it is decoded.
 * @throws ResponseError `ERR_DECODE`, `ERR_DECODED_TOO_LARGE`.
 */
export function decodeAtOnce(bytes: Uint8Array, codings: readonly string[], limit: number): Uint8Array | undefined {
  const maxOutputLength = Math.max(Math.min(limit, MOST_AT_ONCE), 1)
  let current = bytes
  try {
    for (const coding of codings.toReversed()) {
      // Nothing at all decodes to nothing.
      if (current.length > 0) current = CODINGS.get(coding)!.whole(current, { maxOutputLength })
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // Node's decoder takes bytes behind a member for an error: ours has the last word.
    if (code === 'Z_DATA_ERROR' && codings.some((coding) => CODINGS.get(coding) === GZIP)) return undefined
    if (code !== 'ERR_BUFFER_TOO_LARGE') throw toDecodeError(cause, codings)
    if (limit > MOST_AT_ONCE) return undefined
    throw tooLarge(limit)
  }
  if (current.length > limit) throw tooLarge(limit)
  return current
}

async function* bounded(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const part of source) {
    bytes += part.length
    if (bytes > limit) throw tooLarge(limit)
    yield part
  }
}

function tooLarge(limit: number): ResponseError {
  return new ResponseError('ERR_DECODED_TOO_LARGE', `the content decodes to more than ${limit} octets`)
}

async function* apply(source: AsyncIterable<Uint8Array>, coding: string): AsyncGenerator<Uint8Array> {
  const { decode: own, stream } = CODINGS.get(coding)!
  if (own !== undefined) return yield* own(source)
  const iterator = source[Symbol.asyncIterator]()
  const first = await firstPart(iterator)
  // Nothing at all decodes to nothing.
  if (first === undefined) return
  const decoder = stream!(first[0]!)
  // The decoder's own iteration reports what pipeline reports here.
  pipeline(rest(first, iterator), decoder, () => undefined)
  yield* decoder as AsyncIterable<Uint8Array>
}

async function firstPart(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  for (;;) {
    const { done, value } = await iterator.next()
    if (done === true) return undefined
    if (value.length > 0) return value
  }
}

async function* rest(first: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first
    for (;;) {
      const { done, value } = await iterator.next()
      if (done === true) return
      yield value
    }
  } finally {
    await iterator.return?.()
  }
}

function toDecodeError(cause: unknown, codings: readonly string[]): unknown {
  if (!isDecoderError(cause)) return cause
  return new ResponseError('ERR_DECODE', `the content is not ${codings.join(', ')}: ${cause.message}`, { cause })
}

/** zlib's codes begin with `Z_`, brotli's are `ERR__ERROR_…`, `ERR_PADDING_…` and the like: none of them is ours. */
function isDecoderError(error: unknown): error is Error {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return typeof code === 'string' && !(error instanceof UnshardError)
}
