/** Fields of requests, responses and trailers. */

import assert from 'node:assert/strict'
import { Code, ConnectError, decodeBinaryHeader, encodeBinaryHeader } from '@connectrpc/connect'
import { all, bytes, rejectsWith } from '../expect.mjs'
import { on } from '../server.mjs'
import { isVersion1 } from '../service.mjs'

const BINARY = encodeBinaryHeader(bytes(257))

/** Answers with the fields of the request that begin with `x-`, as fields and as trailers. */
function echoFields({ requestHeader, responseHeader, responseTrailer }) {
  for (const [name, value] of requestHeader) {
    if (!name.startsWith('x-') || name === 'x-case') continue
    responseHeader.append(name, value)
    responseTrailer.append(name.replace('x-', 'x-trailer-'), value)
  }
  responseHeader.append('x-several', 'one')
  responseHeader.append('x-several', 'two')
  responseTrailer.append('x-trailer-several', 'three')
  responseTrailer.append('x-trailer-several', 'four')
}

function fieldsOf(call) {
  const headers = new Headers(call.headers)
  headers.append('x-text', 'some text')
  headers.append('x-list', 'a')
  headers.append('x-list', 'b')
  headers.append('x-bytes-bin', BINARY)
  return headers
}

function collect(seen) {
  return {
    onHeader: (header) => {
      seen.header = header
    },
    onTrailer: (trailer) => {
      seen.trailer = trailer
    },
  }
}

function assertFields({ header, trailer }) {
  assert.equal(header.get('x-text'), 'some text')
  assert.equal(header.get('x-list'), 'a, b')
  assert.equal(header.get('x-several'), 'one, two')
  assert.deepEqual(Buffer.from(decodeBinaryHeader(header.get('x-bytes-bin'))), Buffer.from(bytes(257)))
  assert.equal(trailer.get('x-trailer-text'), 'some text')
  assert.equal(trailer.get('x-trailer-list'), 'a, b')
  assert.equal(trailer.get('x-trailer-several'), 'three, four')
  assert.deepEqual(Buffer.from(decodeBinaryHeader(trailer.get('x-trailer-bytes-bin'))), Buffer.from(bytes(257)))
}

export function metadata({ calls, isDuplex, protocol }) {
  return {
    'of a unary call': async () => {
      const call = on({
        unary: (_request, context) => {
          echoFields(context)
          return {}
        },
      })
      const seen = {}
      await calls().unary({}, { headers: fieldsOf(call), ...collect(seen) })
      assertFields(seen)
    },
    'of a server stream; the trailers are there at its end': async () => {
      const call = on({
        async *serverStream(_request, context) {
          echoFields(context)
          yield { text: 'one' }
        },
      })
      const seen = {}
      await all(calls().serverStream({}, { headers: fieldsOf(call), ...collect(seen) }))
      assertFields(seen)
    },
    'of a client stream': async () => {
      const call = on({
        async clientStream(requests, context) {
          await all(requests)
          echoFields(context)
          return {}
        },
      })
      const seen = {}
      async function* none() {}
      await calls().clientStream(none(), { headers: fieldsOf(call), ...collect(seen) })
      assertFields(seen)
    },
    ...(isDuplex && {
      'of a bidirectional stream': async () => {
        const call = on({
          async *bidi(requests, context) {
            echoFields(context)
            yield* requests
          },
        })
        const seen = {}
        async function* one() {
          yield { text: 'one' }
        }
        await all(calls().bidi(one(), { headers: fieldsOf(call), ...collect(seen) }))
        assertFields(seen)
      },
    }),
    'of an error: fields and trailers are in its metadata': async () => {
      const call = on({
        unary: (_request, { responseHeader, responseTrailer }) => {
          responseHeader.set('x-header', 'before')
          responseTrailer.set('x-trailer', 'after')
          throw new ConnectError('refused', Code.AlreadyExists, { 'x-error': 'of the error', 'x-error-bin': BINARY })
        },
      })
      const { metadata } = await rejectsWith(Code.AlreadyExists, calls().unary({}, call))
      assert.equal(metadata.get('x-header'), 'before')
      assert.equal(metadata.get('x-trailer'), 'after')
      // Servers of version 1 do not send the metadata of an error over gRPC.
      if (isVersion1 && protocol !== 'connect') return
      assert.equal(metadata.get('x-error'), 'of the error')
      assert.deepEqual(Buffer.from(decodeBinaryHeader(metadata.get('x-error-bin'))), Buffer.from(bytes(257)))
    },
  }
}
