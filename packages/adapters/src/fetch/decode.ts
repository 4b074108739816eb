/**
 * Removes the content codings (RFC 9110 §8.4.1) of a response: while it streams, or synchronously
 * if it is short.
 */

import { pipeline, type Transform } from 'node:stream'
import { ResponseError, UnshardError } from '@unshard/core'
import { gunzip } from './gunzip.js'

/** Maximum number of nested codings (CVE-2022-32206: a chain of a thousand). */
const MAX_CODINGS = 5
/**
 * Maximum decoded size of short content, in bytes: decoding more synchronously would block the
 * event loop.
 */
const MAX_SYNC_BYTES = 1_048_576

type Bytes = Uint8Array<ArrayBufferLike>
interface Coding {
  /** Creates a decoder from the first byte. Absent if `decode` takes its place. */
  stream?(first: number): Transform
  /** Our own decoder. */
  decode?(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>
  /** @throws RangeError `ERR_BUFFER_TOO_LARGE`. */
  whole(bytes: Bytes, limit: { maxOutputLength: number }): Uint8Array
}

/** Members that the types of Node 20 lack. */
interface Zstd {
  createZstdDecompress(): Transform
  readonly zstdDecompressSync: Coding['whole']
}

/** Loaded with the first encoded content. */
function zlib(): typeof import('node:zlib') & Zstd {
  return process.getBuiltinModule('node:zlib') as typeof import('node:zlib') & Zstd
}

/**
 * Whether a version of Node has Zstandard. Asking `node:zlib` would cost programs that never decode
 * anything two milliseconds of loading.
 */
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
  // RFC 9110 §8.4.1.2 says zlib, but many servers send raw deflate. The low half of zlib's first
  // byte is 8.
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

/** Value of `accept-encoding` in requests: every coding, `x-gzip` by its other name. */
export const ACCEPT_ENCODING: string = [...CODINGS.keys()].filter((name) => name !== 'x-gzip').join(', ')

/**
 * Returns the codings of a `content-encoding` value, innermost last. Empty if one is unknown: the
 * content is then passed on as it is.
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
 * Removes the codings. An error of the source or of a decoder ends the iteration; leaving the
 * iteration ends the source.
 * @param limit maximum number of bytes of the result, and of the output of each decoder.
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
 * Decodes short content synchronously. Returns `undefined` if the decoded content is too large for
 * that.
 * @throws ResponseError `ERR_DECODE`, `ERR_DECODED_TOO_LARGE`.
 */
export function decodeAtOnce(bytes: Uint8Array, codings: readonly string[], limit: number): Uint8Array | undefined {
  const maxOutputLength = Math.max(Math.min(limit, MAX_SYNC_BYTES), 1)
  let current = bytes
  try {
    for (const coding of codings.toReversed()) {
      // Empty content decodes to empty content.
      if (current.length > 0) current = CODINGS.get(coding)!.whole(current, { maxOutputLength })
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // Node's decoder rejects bytes behind a member; let our decoder decide.
    if (code === 'Z_DATA_ERROR' && codings.some((coding) => CODINGS.get(coding) === GZIP)) return undefined
    if (code !== 'ERR_BUFFER_TOO_LARGE') throw toDecodeError(cause, codings)
    if (limit > MAX_SYNC_BYTES) return undefined
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
  return new ResponseError('ERR_DECODED_TOO_LARGE', `the content decodes to more than ${limit} bytes`)
}

async function* apply(source: AsyncIterable<Uint8Array>, coding: string): AsyncGenerator<Uint8Array> {
  const { decode: own, stream } = CODINGS.get(coding)!
  if (own !== undefined) return yield* own(source)
  const iterator = source[Symbol.asyncIterator]()
  const first = await firstPart(iterator)
  // Empty content decodes to empty content.
  if (first === undefined) return
  const decoder = stream!(first[0]!)
  // The decoder's own iteration reports the errors that pipeline would report here.
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
  return new ResponseError('ERR_DECODE', `the content is not valid ${codings.join(', ')}: ${cause.message}`, { cause })
}

/**
 * Whether an error comes from a decoder: zlib's codes begin with `Z_`, brotli's are `ERR__ERROR_…`,
 * `ERR_PADDING_…` and similar. None of our codes look like that.
 */
function isDecoderError(error: unknown): error is Error {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException
  // Errors of brotli have no code in Deno, and their message is what Node has there.
  return (typeof code === 'string' || String(message).startsWith('ERR_')) && !(error instanceof UnshardError)
}
