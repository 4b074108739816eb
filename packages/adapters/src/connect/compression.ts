/** Compression of messages with Node's zlib, which is loaded when the first message is compressed. */

import { Code, ConnectError as RpcError } from '@connectrpc/connect'
import type { Compression } from '@connectrpc/connect/protocol'

type Zlib = typeof import('node:zlib')
type Bytes = Uint8Array<ArrayBuffer>
type Done = (error: Error | null, result: Uint8Array) => void

function zlib(): Zlib {
  return process.getBuiltinModule('node:zlib')
}

/** gzip (RFC 1952), for the options `acceptCompression` and `sendCompression`. */
export const compressionGzip: Compression = {
  name: 'gzip',
  compress: (bytes) => compressed((done) => zlib().gzip(bytes, done)),
  decompress: (bytes, readMaxBytes) =>
    decompressed(bytes, readMaxBytes, (done) => zlib().gunzip(bytes, { maxOutputLength: readMaxBytes }, done)),
}

/** Brotli (RFC 7932), for the options `acceptCompression` and `sendCompression`. */
export const compressionBrotli: Compression = {
  name: 'br',
  compress: (bytes) => compressed((done) => zlib().brotliCompress(bytes, done)),
  decompress: (bytes, readMaxBytes) =>
    decompressed(bytes, readMaxBytes, (done) => zlib().brotliDecompress(bytes, { maxOutputLength: readMaxBytes }, done)),
}

function compressed(start: (done: Done) => void): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error === null ? resolve(result as Bytes) : reject(failed('compress', Code.Internal, error))))
  })
}

function decompressed(bytes: Uint8Array, readMaxBytes: number, start: (done: Done) => void): Promise<Bytes> {
  // An empty message may be marked as compressed: zlib would call it truncated.
  if (bytes.length === 0) return Promise.resolve(new Uint8Array(0))
  return new Promise((resolve, reject) => {
    start((error, result) => (error === null ? resolve(result as Bytes) : reject(undecodable(error, readMaxBytes))))
  })
}

function undecodable(error: Error & { readonly code?: string }, readMaxBytes: number): RpcError {
  if (error.code !== 'ERR_BUFFER_TOO_LARGE') return failed('decompress', Code.InvalidArgument, error)
  const message = `the decompressed message is larger than readMaxBytes, ${readMaxBytes}`
  return new RpcError(message, Code.ResourceExhausted, undefined, undefined, error)
}

function failed(verb: string, code: Code, cause: Error): RpcError {
  return new RpcError(`cannot ${verb} the message: ${cause.message}`, code, undefined, undefined, cause)
}
