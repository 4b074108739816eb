/** Ends of clients and connections, and connections that are shared by hosts. Each case has clients and servers of its own. */

import assert from 'node:assert/strict'
import { Code } from '@connectrpc/connect'
import { universalClient } from 'unshard/connect'
import { all, event, rejectsWith } from '../expect.mjs'
import { on, startServer } from '../server.mjs'
import { clientOf } from '../world.mjs'

export function connections(world) {
  return {
    ...ends(world),
    ...lowLevel(world),
    ...(world.http === 'h2' && { ...shared(world), ...http1(world), ...cleartext(world) }),
  }
}

/** A server stream that goes on when told. */
function stepwise() {
  const resumed = event()
  const call = on({
    async *serverStream() {
      yield { text: 'first' }
      await resumed.happened
      yield { text: 'last' }
    },
    unary: () => ({ text: 'answered' }),
  })
  return { call, resume: () => resumed.happen() }
}

function ends({ calls, newClient, http, server }) {
  return {
    'client.destroy() during a stream cancels it': async () => {
      const client = newClient()
      const { call, resume } = stepwise()
      const messages = calls({}, client).serverStream({}, call)[Symbol.asyncIterator]()
      await messages.next()
      client.destroy()
      const { cause } = await rejectsWith(Code.Canceled, messages.next())
      assert.equal(cause.code, 'ERR_CLIENT_DESTROYED')
      resume()
      await rejectsWith(Code.Canceled, calls({}, client).unary({}, call))
    },
    'client.close() lets a stream end': async () => {
      const client = newClient()
      const { call, resume } = stepwise()
      const messages = calls({}, client).serverStream({}, call)[Symbol.asyncIterator]()
      await messages.next()
      const closed = client.close()
      await rejectsWith(Code.Canceled, calls({}, client).unary({}, call))
      resume()
      assert.equal((await messages.next()).value.text, 'last')
      assert.equal((await messages.next()).done, true)
      await closed
    },
    ...(http !== 'http/1.1' && {
      'GOAWAY lets a stream end, and the next call has another connection': async () => {
        const client = newClient()
        const made = calls({}, client)
        const known = new Set(server.sessions)
        const { call, resume } = stepwise()
        const messages = made.serverStream({}, call)[Symbol.asyncIterator]()
        await messages.next()
        const [session] = [...server.sessions].filter((each) => !known.has(each))
        session.close()
        assert.equal((await made.unary({}, call)).text, 'answered')
        resume()
        assert.deepEqual(
          (await all({ [Symbol.asyncIterator]: () => messages })).map(({ text }) => text),
          ['last'],
        )
        await client.close()
      },
    }),
    'a connection that is lost during a stream is unavailable': async () => {
      const client = newClient()
      const lost = event()
      const call = on({
        async *serverStream() {
          yield { text: 'first' }
          await lost.happened
        },
      })
      const own = await startServer(http === 'http/1.1' ? http : 'h2')
      const made = calls({ baseUrl: `https://a.test.example:${own.port}` }, client)
      const messages = made.serverStream({}, call)[Symbol.asyncIterator]()
      await messages.next()
      const closed = own.close()
      const { cause } = await rejectsWith(Code.Unavailable, messages.next())
      assert.equal(cause.name, 'ConnectionError')
      lost.happen()
      client.destroy()
      await closed
    },
  }
}

function lowLevel({ client, newClient, origin }) {
  const url = `${origin()}/raw/status/299`
  return {
    'the HTTP client alone: status, fields, content': async () => {
      const request = { url, method: 'POST', header: new Headers({ 'x-a': '1' }), body: undefined }
      const { status, header, body, trailer } = await universalClient(client)(request)
      assert.deepEqual([status, header.get('content-type')], [299, 'text/plain'])
      assert.equal(Buffer.concat(await all(body)).toString(), 'an answer')
      assert.deepEqual([...trailer], [])
    },
    'the HTTP client alone: abort, and content that is left': async () => {
      const request = { url, method: 'GET', header: new Headers() }
      await rejectsWith(Code.Canceled, universalClient(client)({ ...request, signal: AbortSignal.abort() }))
      const own = newClient()
      const { body } = await universalClient(own)(request)
      for await (const part of body) {
        assert.ok(part.length > 0)
        break
      }
      for (const { active } of own.stats().connections) assert.equal(active, 0)
      own.destroy()
    },
  }
}

function shared({ calls, protocol }) {
  return {
    '12 hosts have one connection, for unary calls and streams at once': async () => {
      const server = await startServer('h2')
      const client = clientOf()
      const call = on({
        unary: ({ text }) => ({ text }),
        async *serverStream({ text }) {
          yield { text }
        },
      })
      const hosts = Array.from({ length: 12 }, (_, i) => `host-${i}`)
      // On a busy machine the handshake may take longer than the hosts wait for it.
      await client.warm([`https://host-0.test.example:${server.port}`])
      const texts = await Promise.all(
        hosts.map(async (host) => {
          const made = calls({ baseUrl: `https://${host}.test.example:${server.port}` }, client)
          const [{ text }, [message]] = await Promise.all([
            made.unary({ text: host }, call),
            all(made.serverStream({ text: host }, call)),
          ])
          return [text, message.text]
        }),
      )
      assert.deepEqual(
        texts,
        hosts.map((host) => [host, host]),
      )
      assert.equal(server.connections, 1, `${protocol}: ${server.connections} connections`)
      await client.close()
      await server.close()
    },
  }
}

/** gRPC has its status in trailers, which HTTP/1.1 does not reliably have. */
function http1({ calls, protocol }) {
  if (protocol !== 'grpc') return {}
  return {
    'a server that speaks HTTP/1.1 alone gets no call, and the error says what to do': async () => {
      const server = await startServer('http/1.1')
      const client = clientOf()
      const made = calls({ baseUrl: `https://a.test.example:${server.port}` }, client)
      const echo = on({ unary: ({ text }) => ({ text }), serverStream: async function* () {} })
      for (const call of [made.unary({}, echo), all(made.serverStream({}, echo))]) {
        const { cause, message } = await rejectsWith(Code.Internal, call)
        assert.deepEqual([cause.code, cause.processed], ['ERR_HTTP2_REQUIRED', 'no'])
        assert.match(message, /the request needs HTTP\/2, and the connection speaks HTTP\/1.1/)
      }
      assert.deepEqual(server.paths, [])
      await client.close()
      await server.close()
    },
  }
}

function cleartext({ calls }) {
  return {
    "HTTP/2 without TLS, with cleartextProtocol: 'h2'": async () => {
      const server = await startServer('h2c')
      const client = clientOf({ cleartextProtocol: 'h2' })
      const call = on({ unary: ({ text }) => ({ text }) })
      const made = calls({ baseUrl: `http://a.test.example:${server.port}` }, client)
      assert.equal((await made.unary({ text: 'plain' }, call)).text, 'plain')
      await client.close()
      await server.close()
    },
  }
}
