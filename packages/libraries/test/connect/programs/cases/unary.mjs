/** Calls with one message each way. */

import assert from 'node:assert/strict'
import { Code, ConnectError } from '@connectrpc/connect'
import { compressionGzip } from 'unshard/connect'
import { bytes, rejectsWith } from '../expect.mjs'
import { on } from '../server.mjs'

const echo = { unary: ({ text, count, data }) => ({ text, count, data }) }

export function unary({ calls, http, origin, protocol, server }) {
  return {
    'an empty message': async () => {
      const { text, count, data } = await calls().unary({}, on(echo))
      assert.deepEqual([text, count, data.length], ['', 0, 0])
    },
    'a message with text, a number and bytes': async () => {
      const { text, count, data } = await calls().unary({ text: 'Grüße ✓', count: -7, data: bytes(300) }, on(echo))
      assert.deepEqual([text, count], ['Grüße ✓', -7])
      assert.deepEqual(Buffer.from(data), Buffer.from(bytes(300)))
    },
    '1 MB in both directions': async () => {
      const { data } = await calls().unary({ data: bytes(1_048_576) }, on(echo))
      assert.ok(Buffer.from(data).equals(Buffer.from(bytes(1_048_576))))
    },
    'messages as JSON': async () => {
      const { text, data } = await calls({ useBinaryFormat: false }).unary({ text: 'Grüße', data: bytes(9) }, on(echo))
      assert.equal(text, 'Grüße')
      assert.deepEqual(Buffer.from(data), Buffer.from(bytes(9)))
    },
    'a message that cannot be encoded is an internal error, and is not sent': async () => {
      const before = server.paths.length
      const { message } = await rejectsWith(Code.Internal, calls().unary({ count: 2 ** 40 }, on(echo)))
      assert.match(message, /1099511627776/)
      assert.equal(server.paths.length, before)
    },
    'an interceptor of Connect-ES may send a call again': async () => {
      let attempts = 0
      const interceptor = (next) => async (request) => {
        const first = await next(request).catch(({ code }) => code)
        assert.equal(first, Code.Unavailable)
        return next(request)
      }
      const call = on({
        unary: ({ text }) => {
          if (++attempts === 1) throw new ConnectError('later', Code.Unavailable)
          return { text }
        },
      })
      for (const options of [{}, { sendCompression: compressionGzip, compressMinBytes: 0 }]) {
        attempts = 0
        const made = calls({ ...options, interceptors: [interceptor] })
        assert.deepEqual([(await made.unary({ text: 'again' }, call)).text, attempts], ['again', 2])
      }
    },
    '100 calls at once': async () => {
      const made = calls()
      const texts = await Promise.all(
        Array.from({ length: 100 }, async (_, i) => (await made.unary({ text: `call ${i}` }, on(echo))).text),
      )
      assert.deepEqual(
        texts,
        Array.from({ length: 100 }, (_, i) => `call ${i}`),
      )
    },
    'a base URL with a path that the server does not serve is unimplemented': () =>
      rejectsWith(Code.Unimplemented, calls({ baseUrl: `${origin()}/other/` }).unary({})),
    'a method that the server does not implement is unimplemented': () => rejectsWith(Code.Unimplemented, calls().missing({})),
    'a call with content in memory has content-length over HTTP/1.1': async () => {
      const seen = {}
      const call = on({
        unary: (_request, { requestHeader }) => {
          for (const name of ['content-length', 'transfer-encoding']) seen[name] = requestHeader.get(name)
          return {}
        },
      })
      await calls().unary({ text: '12345' }, call)
      const framed = protocol === 'connect' ? 7 : 12
      assert.deepEqual(seen, { 'content-length': String(framed), 'transfer-encoding': null })
    },
    'interceptors of Connect-ES see the call and its response': async () => {
      const seen = []
      const interceptor = (next) => async (request) => {
        request.header.set('x-added', 'by an interceptor')
        seen.push(request.method.name)
        const response = await next(request)
        seen.push(response.message.text)
        return response
      }
      const call = on({ unary: (_request, { requestHeader }) => ({ text: requestHeader.get('x-added') }) })
      await calls({ interceptors: [interceptor] }).unary({}, call)
      assert.deepEqual(seen, ['Unary', 'by an interceptor'])
    },
    'interceptors of the client see the request': async () => {
      const seen = []
      const interceptor = (request, next) => {
        seen.push(request.method)
        return next(request.with({ headers: [...request.headers, ['x-added', 'by the client']] }))
      }
      const call = on({ unary: (_request, { requestHeader }) => ({ text: requestHeader.get('x-added') }) })
      const client = calls.client.with({ interceptors: [interceptor] })
      assert.equal((await calls({}, client).unary({}, call)).text, 'by the client')
      assert.deepEqual(seen, ['POST'])
    },
    ...(protocol === 'connect' && {
      'a call without side effects is sent as GET if wanted': async () => {
        const call = on({ pure: ({ text }, { requestMethod }) => ({ text: `${requestMethod} ${text}` }) })
        assert.equal((await calls({ useHttpGet: true }).pure({ text: 'a' }, call)).text, 'GET a')
        assert.equal((await calls({ useHttpGet: true, useBinaryFormat: false }).pure({ text: 'b' }, call)).text, 'GET b')
        assert.equal((await calls().pure({ text: 'c' }, call)).text, 'POST c')
        const other = on({ unary: (_request, { requestMethod }) => ({ text: requestMethod }) })
        assert.equal((await calls({ useHttpGet: true }).unary({}, other)).text, 'POST')
      },
    }),
    ...(http === 'shared' && {
      'the connection is that of another host': async () => {
        const call = on({ unary: (_request, { url }) => ({ text: new URL(url).hostname }) })
        const hosts = ['b', 'c', 'd']
        const seen = await Promise.all(hosts.map(async (host) => (await calls({ baseUrl: origin(host) }).unary({}, call)).text))
        assert.deepEqual(seen, ['b.test.example', 'c.test.example', 'd.test.example'])
      },
    }),
  }
}
