/** Compression of messages (doc/compression.md). `node:zlib` is loaded with the first compressed message. */

import type * as Zlib from 'node:zlib'

/** Encodings that this client knows besides `identity`. */
export type Encoding = 'gzip' | 'deflate'

/** The value of `grpc-accept-encoding`. */
export const ACCEPTED = 'identity,gzip,deflate'

const zlib = (): typeof Zlib => process.getBuiltinModule('node:zlib')

/** Compresses a message. */
export function compress(message: Uint8Array, encoding: Encoding): Promise<Uint8Array> {
  const run = encoding === 'gzip' ? zlib().gzip : zlib().deflate
  return new Promise((resolve, reject) => run(message, (error, result) => (error === null ? resolve(result) : reject(error))))
}

/**
 * Decompresses a message.
 * @param mostBytes maximum length of the result.
 */
export function decompress(message: Uint8Array, encoding: Encoding, mostBytes: number): Promise<Uint8Array> {
  // An empty message may be marked as compressed: zlib would call it truncated.
  if (message.length === 0) return Promise.resolve(message)
  const run = encoding === 'gzip' ? zlib().gunzip : zlib().inflate
  const options = { maxOutputLength: Math.min(Math.max(mostBytes, 1), MOST_OUTPUT) }
  return new Promise((resolve, reject) =>
    run(message, options, (error, result) => (error === null ? resolve(result) : reject(error))),
  )
}

/** The largest value of `maxOutputLength` that every version of Node takes. */
const MOST_OUTPUT = 0x7fff_ffff

/** Whether an error of {@link decompress} means that the result would be too large. */
export function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'ERR_BUFFER_TOO_LARGE'
}

/** Returns the encoding of a field value; `undefined` for one that is not known. */
export function encodingOf(value: string): Encoding | 'identity' | undefined {
  return value === 'gzip' || value === 'deflate' || value === 'identity' ? value : undefined
}
