/** Errors of the server, of what stands before it, and of the connection. */

import assert from 'node:assert/strict'
import { Code, ConnectError } from '@connectrpc/connect'
import { all, rejectsWith } from '../expect.mjs'
import { closedPort, on } from '../server.mjs'
import { detailOf, Message } from '../service.mjs'
import { clientOf } from '../world.mjs'

/** Codes of Connect-ES by HTTP/2 error code, as gRPC maps them. */
const RESETS = [
  [0x0, Code.Internal],
  [0x1, Code.Internal],
  [0x2, Code.Internal],
  [0x3, Code.Internal],
  [0x5, Code.Unknown],
  [0x7, Code.Unavailable],
  [0x8, Code.Canceled],
  [0xb, Code.ResourceExhausted],
  [0xc, Code.PermissionDenied],
]

const MESSAGE = 'ünïcode ✓ 🎉, "quotes", 100 %, tab\t and\r\nlines'

export function failures(world) {
  return { ...ofTheServer(world), ...beforeTheServer(world), ...ofTheConnection(world) }
}

function ofTheServer({ calls }) {
  const fail = () => {
    throw new ConnectError(MESSAGE, Code.FailedPrecondition, undefined, [detailOf('a detail'), detailOf('another')])
  }
  const assertError = (error) => {
    assert.equal(error.rawMessage, MESSAGE)
    assert.deepEqual(
      error.findDetails(Message).map(({ text }) => text),
      ['a detail', 'another'],
    )
  }
  return {
    'code, message and details of a unary call': async () => {
      assertError(await rejectsWith(Code.FailedPrecondition, calls().unary({}, on({ unary: fail }))))
    },
    'code, message and details of a server stream, after two messages': async () => {
      const call = on({
        async *serverStream() {
          yield { text: 'one' }
          yield { text: 'two' }
          fail()
        },
      })
      const texts = []
      const reading = (async () => {
        for await (const { text } of calls().serverStream({}, call)) texts.push(text)
      })()
      assertError(await rejectsWith(Code.FailedPrecondition, reading))
      assert.deepEqual(texts, ['one', 'two'])
    },
    'a server stream that fails before the first message': async () => {
      // biome-ignore lint/correctness/useYield: it fails before its first message.
      async function* serverStream() {
        fail()
      }
      const call = on({ serverStream })
      assertError(await rejectsWith(Code.FailedPrecondition, all(calls().serverStream({}, call))))
    },
    'every code': async () => {
      for (const code of Object.values(Code).filter((each) => typeof each === 'number')) {
        const call = on({
          unary: () => {
            throw new ConnectError('refused', code)
          },
        })
        const { rawMessage } = await rejectsWith(code, calls().unary({}, call))
        assert.equal(rawMessage, 'refused')
      }
    },
    'an error that is not one of Connect-ES': async () => {
      const call = on({
        unary: () => {
          throw new TypeError('a secret of the server')
        },
      })
      const { message } = await rejectsWith(Code.Internal, calls().unary({}, call))
      assert.doesNotMatch(message, /secret/)
    },
  }
}

function beforeTheServer({ calls, origin, protocol, server }) {
  const at = (path) => calls({ baseUrl: `${origin()}/raw/${path}` })
  const statuses = [
    [400, Code.Internal],
    [401, Code.Unauthenticated],
    [403, Code.PermissionDenied],
    [404, Code.Unimplemented],
    [429, Code.Unavailable],
    [502, Code.Unavailable],
    [503, Code.Unavailable],
    [504, Code.Unavailable],
  ]
  return {
    ...Object.fromEntries(
      statuses.map(([status, code]) => [
        `status ${status}`,
        async () => {
          await rejectsWith(code, at(`status/${status}`).unary({}))
          await rejectsWith(code, all(at(`status/${status}`).serverStream({})))
        },
      ]),
    ),
    'a page instead of a response': async () => {
      // gRPC-Web reads it as a message that is cut off.
      const code = protocol === 'grpc-web' ? Code.InvalidArgument : Code.Unknown
      await rejectsWith(code, at('page').unary({}))
      await rejectsWith(code, all(at('page').serverStream({})))
    },
    'a redirect is not followed': async () => {
      const error = await rejectsWith(Code.Unknown, at('redirect').unary({}))
      assert.match(error.message, /302/)
      assert.equal(server.paths.includes('/elsewhere'), false)
    },
    ...(protocol === 'grpc' && {
      'a response without a status is an error': () => rejectsWith(Code.Internal, at('cut/0').unary({})),
    }),
  }
}

function ofTheConnection({ calls, http, origin, newClient }) {
  const resets = http === 'http/1.1' ? [[0, Code.Unavailable]] : RESETS
  return {
    ...Object.fromEntries(
      resets.map(([error, code]) => [
        `a stream that ends with error ${error}, before the response and after a part of a message`,
        async () => {
          // A server that is overloaded (ENHANCE_YOUR_CALM) gets fewer requests at once: not those of other cases.
          const client = newClient()
          const at = (path) => calls({ baseUrl: `${origin()}/raw/${path}` }, client)
          await rejectsWith(code, at(`reset/${error}`).unary({}))
          // NO_ERROR after the fields is the end of the response: the protocol finds that it is cut off.
          if (error !== 0 || http === 'http/1.1') await rejectsWith(code, all(at(`cut/${error}`).serverStream({})))
          client.destroy()
        },
      ]),
    ),
    'a refused connection is unavailable, and its cause is the error of the client': async () => {
      const client = clientOf()
      const made = calls({ baseUrl: `https://a.test.example:${await closedPort()}` }, client)
      const { cause } = await rejectsWith(Code.Unavailable, made.unary({}))
      assert.deepEqual([cause.name, cause.code, cause.processed], ['ConnectError', 'ECONNREFUSED', 'no'])
      client.destroy()
    },
    'an unknown host is unavailable': async () => {
      const lookup = (host, _options, callback) =>
        callback(Object.assign(new Error(`no address of ${host}`), { code: 'ENOTFOUND' }))
      const client = clientOf({ lookup })
      const { cause } = await rejectsWith(Code.Unavailable, calls({}, client).unary({}))
      assert.equal(cause.code, 'ENOTFOUND')
      client.destroy()
    },
    'a certificate of an unknown authority is unavailable': async () => {
      const client = clientOf({ tls: {} })
      const { cause } = await rejectsWith(Code.Unavailable, calls({}, client).unary({}))
      assert.equal(cause.phase, 'tls')
      client.destroy()
    },
  }
}
