/** Content codings (RFC 9110 §8.4.1): what a response's content is wrapped in, taken off as it streams. */

import { pipeline, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { ResponseError, UnshardError } from '@unshard/core'

/** Codings one on top of another (CVE-2022-32206: a chain of a thousand). */
const MAX_CODINGS = 5

/** What requests say they accept. */
export const ACCEPT_ENCODING = 'gzip, deflate, br'

/**
 * The codings of a `content-encoding` value, innermost last. Empty where one is unknown: the content is then passed on as it is.
 * @throws ResponseError `ERR_TOO_MANY_CODINGS`.
 */
export function parseCodings(value: string | undefined): string[] {
  if (value === undefined) return []
  const codings = value
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity')
  if (codings.length > MAX_CODINGS) {
    throw new ResponseError('ERR_TOO_MANY_CODINGS', `${codings.length} content codings, ${MAX_CODINGS} at the most`)
  }
  return codings.every((coding) => DECODERS.has(coding)) ? codings : []
}

/** Takes the codings off. An error of the source or of a decoder ends the iteration with it; leaving it ends the source. */
export async function* decode(source: AsyncIterable<Uint8Array>, codings: readonly string[]): AsyncGenerator<Uint8Array> {
  let current: AsyncIterable<Uint8Array> = source
  for (const coding of [...codings].reverse()) current = apply(current, coding)
  try {
    yield* current
  } catch (cause) {
    if (!isDecoderError(cause)) throw cause
    throw new ResponseError('ERR_DECODE', `the content is not ${codings.join(', ')}: ${cause.message}`, { cause })
  }
}

const DECODERS: ReadonlyMap<string, (first: Uint8Array) => Transform> = new Map<string, (first: Uint8Array) => Transform>([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  // RFC 9110 §8.4.1.2 says zlib; many servers send the bare data. The first octet of zlib has 8 in its low half.
  ['deflate', (first) => ((first[0]! & 0x0f) === 0x08 ? createInflate() : createInflateRaw())],
  ['br', () => createBrotliDecompress()],
])

async function* apply(source: AsyncIterable<Uint8Array>, coding: string): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  const first = await firstPart(iterator)
  // Nothing at all decodes to nothing.
  if (first === undefined) return
  const decoder = DECODERS.get(coding)!(first)
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

/** zlib's codes begin with `Z_`, brotli's are `ERR__ERROR_…`, `ERR_PADDING_…` and the like: none of them is ours. */
function isDecoderError(error: unknown): error is Error {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return typeof code === 'string' && !(error instanceof UnshardError)
}
