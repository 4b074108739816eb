/** The content coding `aws-chunked`, with a checksum in its trailer. */

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** Decodes content, and checks its length and checksum. @throws Error that says what is wrong. */
export function decodeChunks(headers: ReadonlyMap<string, string>, body: Buffer): Buffer {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const end = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.toString('latin1', at, end), 16)
    at = end + 2
    if (!Number.isInteger(size)) throw new Error('a chunk has no size')
    if (size === 0) break
    parts.push(body.subarray(at, at + size))
    at += size + 2
  }
  const content = Buffer.concat(parts)
  if (headers.get('x-amz-decoded-content-length') !== String(content.length))
    throw new Error(`${content.length} bytes instead of ${headers.get('x-amz-decoded-content-length')}`)
  const [name = '', value = ''] = body.toString('latin1', at).trim().split(':')
  if (name !== headers.get('x-amz-trailer')) throw new Error(`the trailer ${name} was not announced`)
  if (value !== checksum(name, content)) throw new Error(`${name} is not ${value}`)
  return content
}

/** The value of a field such as `x-amz-checksum-crc32`. */
export function checksum(name: string, content: Uint8Array): string {
  if (name === 'x-amz-checksum-sha256') return createHash('sha256').update(content).digest('base64')
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(content))
  return bytes.toString('base64')
}
