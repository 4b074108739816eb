/** Compression, and sizes of messages. */

import assert from 'node:assert/strict'
import { Code } from '@connectrpc/connect'
import { compressionBrotli, compressionGzip } from 'unshard/connect'
import { all, bytes, rejectsWith } from '../expect.mjs'
import { on } from '../server.mjs'

const TEXT = 'a text that repeats itself, '.repeat(1_000)

export function limits(world) {
  return { ...compression(world), ...sizes(world) }
}

/** The field that names the compression of messages. */
function encodingField(protocol, isStream) {
  if (protocol !== 'connect') return 'grpc-encoding'
  return isStream ? 'connect-content-encoding' : 'content-encoding'
}

function compression({ calls, protocol }) {
  const used = (seen, isStream) => ({
    onHeader: (header) => seen.push(header.get(encodingField(protocol, isStream))),
  })
  const each = (sendCompression) => async () => {
    const seen = []
    const call = on({
      unary: ({ text }, { requestHeader }) => {
        seen.push(requestHeader.get(encodingField(protocol, false)))
        return { text }
      },
      async *serverStream({ text }, { requestHeader }) {
        seen.push(requestHeader.get(encodingField(protocol, true)))
        yield { text }
        yield { text: 'short' }
      },
    })
    const made = calls({ sendCompression, acceptCompression: [sendCompression] })
    assert.equal((await made.unary({ text: TEXT }, { ...call, ...used(seen, false) })).text, TEXT)
    const received = await all(made.serverStream({ text: TEXT }, { ...call, ...used(seen, true) }))
    assert.deepEqual(
      received.map(({ text }) => text),
      [TEXT, 'short'],
    )
    assert.deepEqual(
      seen,
      Array.from({ length: 4 }, () => sendCompression.name),
    )
  }
  return {
    'gzip both ways': each(compressionGzip),
    'Brotli both ways': each(compressionBrotli),
    'responses may be compressed by default, requests are not': async () => {
      const seen = []
      const call = on({
        unary: ({ text }, { requestHeader }) => {
          seen.push(requestHeader.get(encodingField(protocol, false)))
          return { text }
        },
      })
      await calls().unary({ text: TEXT }, { ...call, ...used(seen, false) })
      // gRPC names `identity` or nothing.
      assert.deepEqual(
        seen.map((name) => name ?? 'identity'),
        ['identity', 'gzip'],
      )
    },
    'no compression is accepted if none is wanted': async () => {
      const seen = []
      const call = on({ unary: ({ text }) => ({ text }) })
      await calls({ acceptCompression: [] }).unary({ text: TEXT }, { ...call, ...used(seen, false) })
      assert.deepEqual(
        seen.map((name) => name ?? 'identity'),
        ['identity'],
      )
    },
    'messages below compressMinBytes are not compressed': async () => {
      const seen = []
      const call = on({
        unary: ({ text }, { requestHeader }) => {
          seen.push(requestHeader.get('content-length'))
          return { text }
        },
      })
      const made = (compressMinBytes) => calls({ sendCompression: compressionGzip, compressMinBytes })
      await made(100_000).unary({ text: TEXT }, call)
      await made(10).unary({ text: TEXT }, call)
      const [plain, packed] = seen.map(Number)
      assert.ok(plain > TEXT.length && packed < TEXT.length / 10, `${plain} and ${packed} bytes`)
    },
  }
}

function sizes({ calls }) {
  const echo = {
    unary: ({ count }) => ({ data: bytes(count) }),
    async *serverStream({ count }) {
      yield { text: 'short' }
      yield { data: bytes(count) }
    },
    clientStream: async (requests) => ({ count: (await all(requests)).length }),
  }
  return {
    'a message over readMaxBytes is refused': async () => {
      const made = calls({ readMaxBytes: 1_000 })
      const { data } = await made.unary({ count: 900 }, on(echo))
      assert.equal(data.length, 900)
      await rejectsWith(Code.ResourceExhausted, made.unary({ count: 1_001 }, on(echo)))
      await rejectsWith(Code.ResourceExhausted, all(made.serverStream({ count: 1_001 }, on(echo))))
    },
    'a message over readMaxBytes after decompression is refused': async () => {
      const call = on({ unary: ({ text }) => ({ text: text.repeat(100) }) })
      await rejectsWith(Code.ResourceExhausted, calls({ readMaxBytes: 10_000 }).unary({ text: TEXT }, call))
    },
    'a message over writeMaxBytes is not sent': async () => {
      const made = calls({ writeMaxBytes: 1_000 })
      await rejectsWith(Code.ResourceExhausted, made.unary({ data: bytes(1_001) }, on(echo)))
      async function* growing() {
        for (let size = 500; ; size *= 2) yield { data: bytes(size) }
      }
      await rejectsWith(Code.ResourceExhausted, made.clientStream(growing(), on(echo)))
    },
  }
}
