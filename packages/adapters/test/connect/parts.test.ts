/** Compression and envelopes of messages. */

import { Code } from '@connectrpc/connect'
import { compressionBrotli, compressionGzip } from '../../src/connect/compression.js'
import { appendTrailers, opened } from '../../src/connect/envelope.js'
import { frameOf } from '../../src/grpc/frames.js'

const enveloped = (message: Uint8Array): Uint8Array => frameOf(message, false)

const message = Buffer.from('a message that repeats itself, '.repeat(100))

describe.each([compressionGzip, compressionBrotli])('$name', ({ compress, decompress }) => {
  it('decompresses what it has compressed, up to a limit', async () => {
    const compressed = await compress(message)
    expect(compressed.length).toBeLessThan(message.length / 10)
    expect(Buffer.from(await decompress(compressed, message.length))).toEqual(message)
    await expect(decompress(compressed, 1_000)).rejects.toMatchObject({ code: Code.ResourceExhausted })
  })

  it('an empty message is empty, and other bytes are an invalid argument', async () => {
    expect(await decompress(new Uint8Array(0), 10)).toHaveLength(0)
    await expect(decompress(Buffer.from('not compressed'), 100)).rejects.toMatchObject({ code: Code.InvalidArgument })
  })
})

const trailers = Buffer.from('grpc-status: 0\r\nx-a:1\r\n no name\r\n')
const block = Buffer.concat([enveloped(trailers).fill(0x80, 0, 1)])

it('a content with one message is opened, with trailers where the protocol has them', () => {
  expect(opened(enveloped(message), false)).toEqual({ message, trailers: Buffer.alloc(0) })
  expect(opened(Buffer.concat([enveloped(message), block]), true)).toEqual({ message, trailers })
  const headers = new Headers()
  appendTrailers(headers, trailers)
  expect([...headers]).toEqual([
    ['grpc-status', '0'],
    ['x-a', '1'],
  ])
})

it.each<[string, Uint8Array, boolean]>([
  ['nothing', Buffer.alloc(0), false],
  ['a part of a prefix', Buffer.alloc(4), false],
  ['a part of a message', enveloped(message).subarray(0, -1), false],
  ['a compressed message', enveloped(message).fill(1, 0, 1), false],
  ['two messages', Buffer.concat([enveloped(message), enveloped(message)]), false],
  ['no trailers', enveloped(message), true],
  ['trailers that are cut off', Buffer.concat([enveloped(message), block.subarray(0, -1)]), true],
  ['content after the trailers', Buffer.concat([enveloped(message), block, Buffer.alloc(1)]), true],
  ['compressed trailers', Buffer.concat([enveloped(message), enveloped(trailers).fill(0x81, 0, 1)]), true],
])('%s is not opened', (_what, content, withTrailers) => {
  expect(opened(content, withTrailers)).toBeUndefined()
})
