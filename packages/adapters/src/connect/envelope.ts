/** Messages with their prefix of flags and length, as in gRPC ("Length-Prefixed-Message") and gRPC-Web. */

import { PREFIX_BYTES } from '../grpc/frames.js'

/** Flag of an envelope with trailers, in gRPC-Web. */
const TRAILERS = 0x80

/** The content of a response with one message, and its trailers in gRPC-Web. */
export interface Opened {
  readonly message: Uint8Array
  /** Empty without trailers in the content. */
  readonly trailers: Uint8Array
}

/** Returns what the content has, unless there is anything but one message, or it is compressed. */
export function opened(content: Uint8Array, withTrailers: boolean): Opened | undefined {
  const end = endOf(content, 0, 0)
  if (end === undefined) return undefined
  const message = content.subarray(PREFIX_BYTES, end)
  if (!withTrailers) return end === content.length ? { message, trailers: content.subarray(end) } : undefined
  if (endOf(content, end, TRAILERS) !== content.length) return undefined
  return { message, trailers: content.subarray(end + PREFIX_BYTES) }
}

/** Returns where an envelope with these flags ends; `undefined` if none begins at `at`, or it is cut off. */
function endOf(content: Uint8Array, at: number, flags: number): number | undefined {
  if (content.length < at + PREFIX_BYTES || content[at] !== flags) return undefined
  const length = new DataView(content.buffer, content.byteOffset + at + 1, 4).getUint32(0)
  const end = at + PREFIX_BYTES + length
  return end <= content.length ? end : undefined
}

/** Adds the trailers of gRPC-Web: lines of HTTP/1.1 fields. */
export function appendTrailers(headers: Headers, bytes: Uint8Array): void {
  for (const line of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim())
  }
}
