/** Messages of `application/vnd.amazon.eventstream`, with their CRCs and signatures: what a server of Bedrock sends and receives. */

import { crc32 } from 'node:zlib'
import { hmac, sha256, signingKey, type Verified } from './signature.js'

/** One message: fields as bytes, by name, and the payload. */
export interface Message {
  readonly headers: ReadonlyMap<string, Buffer>
  /** The fields as they were sent. */
  readonly rawHeaders: Buffer
  readonly payload: Buffer
}

const STRING = 7
/** Lengths of values by type; -1 for those that begin with their length. */
const LENGTHS: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 6: -1, 7: -1, 8: 8, 9: 16 }

/** Encodes a message whose fields are text. */
export function encodeMessage(fields: Readonly<Record<string, string>>, payload: string | Uint8Array): Buffer {
  const headers = Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(Buffer.byteLength(value))
      return [Buffer.from([name.length]), Buffer.from(name), Buffer.from([STRING]), length, Buffer.from(value)]
    }),
  )
  const content = Buffer.from(payload)
  const prelude = Buffer.alloc(12)
  prelude.writeUInt32BE(16 + headers.length + content.length, 0)
  prelude.writeUInt32BE(headers.length, 4)
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
  const message = Buffer.concat([prelude, headers, content, Buffer.alloc(4)])
  message.writeUInt32BE(crc32(message.subarray(0, -4)), message.length - 4)
  return message
}

/** Decodes the messages of a stream of bytes as they are complete. */
export async function* decodeMessages(source: AsyncIterable<Uint8Array>): AsyncGenerator<Message> {
  let bytes = Buffer.alloc(0)
  for await (const part of source) {
    bytes = Buffer.concat([bytes, part])
    while (bytes.length >= 12 && bytes.length >= bytes.readUInt32BE(0)) {
      const length = bytes.readUInt32BE(0)
      yield decodeMessage(bytes.subarray(0, length))
      bytes = bytes.subarray(length)
    }
  }
  if (bytes.length > 0) throw new Error('the stream ends within a message')
}

/** @throws Error if a CRC is wrong. */
export function decodeMessage(bytes: Buffer): Message {
  if (crc32(bytes.subarray(0, -4)) !== bytes.readUInt32BE(bytes.length - 4)) throw new Error('the CRC of a message is wrong')
  const end = 12 + bytes.readUInt32BE(4)
  const rawHeaders = bytes.subarray(12, end)
  const headers = new Map<string, Buffer>()
  for (let at = 0; at < rawHeaders.length; ) {
    const nameEnd = at + 1 + rawHeaders[at]!
    const name = rawHeaders.toString('utf8', at + 1, nameEnd)
    const fixed = LENGTHS[rawHeaders[nameEnd]!]!
    const start = nameEnd + (fixed === -1 ? 3 : 1)
    const length = fixed === -1 ? rawHeaders.readUInt16BE(nameEnd + 1) : fixed
    headers.set(name, rawHeaders.subarray(start, start + length))
    at = start + length
  }
  return { headers, rawHeaders, payload: bytes.subarray(end, -4) }
}

/** Checks the signatures of messages, each of which covers the one before. */
export class EventSignatures {
  readonly #scope: string
  #previous: string

  /** @param request the request that the messages belong to. */
  constructor({ scope, signature }: Verified) {
    this.#scope = scope
    this.#previous = signature
  }

  /** Returns the message within a signed one. @throws Error if the signature is wrong. */
  verify({ headers, payload }: Message): Message | undefined {
    const date = headers.get(':date')!
    const signature = headers.get(':chunk-signature')!.toString('hex')
    const time = `${new Date(Number(date.readBigInt64BE())).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`
    // Only the date is signed of the fields: name, type 8, milliseconds.
    const signed = Buffer.concat([Buffer.from([5]), Buffer.from(':date'), Buffer.from([8]), date])
    const lines = ['AWS4-HMAC-SHA256-PAYLOAD', time, this.#scope, this.#previous, sha256(signed), sha256(payload)]
    if (hmac(signingKey(this.#scope), lines.join('\n')).toString('hex') !== signature)
      throw new Error('the signature of an event does not match')
    this.#previous = signature
    return payload.length === 0 ? undefined : decodeMessage(payload)
  }
}
