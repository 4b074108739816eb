/** Streams of messages: order, both directions at once, and slow readers. */

import assert from 'node:assert/strict'
import { Code } from '@connectrpc/connect'
import { all, bytes, event, rejectsWith, settled } from '../expect.mjs'
import { on } from '../server.mjs'

const PART = 65_536
const PARTS = 512
/** Windows of both ends and buffers of sockets: far less than the 32 MB of the stream. */
const MAX_SENT = 12_582_912
/** What the client has received from a server that sends 32 MB, when its reader pauses after the first part. */
const MAX_HELD = 1_048_576
/** How many messages a reader takes after its pause: more than {@link MAX_HELD}. */
const RESUMED = 64
const ping = { unary: () => ({}) }

export function streaming(world) {
  return { ...ordered(world), ...duplex(world), ...slow(world) }
}

async function* texts(count) {
  for (let i = 0; i < count; i++) yield { text: `${i}` }
}

function ordered({ calls }) {
  return {
    'a server stream of no message': async () => {
      assert.deepEqual(await all(calls().serverStream({}, on({ async *serverStream() {} }))), [])
    },
    'a server stream of 1,000 messages, in order': async () => {
      const call = on({ serverStream: ({ count }) => texts(count) })
      const received = await all(calls().serverStream({ count: 1_000 }, call))
      assert.deepEqual(
        received.map(({ text }) => Number(text)),
        Array.from({ length: 1_000 }, (_, i) => i),
      )
    },
    'a server stream of large messages': async () => {
      const call = on({
        async *serverStream() {
          for (let i = 0; i < 4; i++) yield { count: i, data: bytes(1_048_576) }
        },
      })
      const received = await all(calls().serverStream({}, call))
      assert.deepEqual(
        received.map(({ count }) => count),
        [0, 1, 2, 3],
      )
      for (const { data } of received) assert.ok(Buffer.from(data).equals(Buffer.from(bytes(1_048_576))))
    },
    'a client stream of no message': async () => {
      const call = on({ clientStream: async (requests) => ({ count: (await all(requests)).length }) })
      assert.equal((await calls().clientStream(texts(0), call)).count, 0)
    },
    'a client stream of 1,000 messages': async () => {
      const call = on({
        clientStream: async (requests) => ({ text: (await all(requests)).map(({ text }) => text).join() }),
      })
      const { text } = await calls().clientStream(texts(1_000), call)
      assert.equal(text, Array.from({ length: 1_000 }, (_, i) => i).join())
    },
  }
}

function duplex({ calls, isDuplex }) {
  const echo = {
    async *bidi(requests) {
      for await (const { text } of requests) yield { text: `${text}!` }
    },
  }
  if (!isDuplex) {
    return {
      'a bidirectional stream is refused, and its source is closed': async () => {
        const closed = event()
        async function* endless() {
          try {
            for (;;) yield { text: 'more' }
          } finally {
            closed.happen()
          }
        }
        await rejectsWith(Code.Unknown, all(calls().bidi(endless(), on(echo))))
        await closed.happened
      },
    }
  }
  return {
    'each message of a bidirectional stream is answered before the next is sent': async () => {
      const answers = []
      let answered = event()
      async function* questions() {
        for (let i = 0; i < 20; i++) {
          answered = event()
          yield { text: `${i}` }
          await answered.happened
        }
      }
      for await (const { text } of calls().bidi(questions(), on(echo))) {
        answers.push(text)
        answered.happen()
      }
      assert.deepEqual(
        answers,
        Array.from({ length: 20 }, (_, i) => `${i}!`),
      )
    },
    'the answer of a bidirectional stream may begin before the first message': async () => {
      const answered = event()
      const call = on({
        async *bidi(requests) {
          yield { text: 'first' }
          for await (const { text } of requests) yield { text }
        },
      })
      async function* late() {
        await answered.happened
        yield { text: 'second' }
      }
      const seen = []
      for await (const { text } of calls().bidi(late(), call)) {
        seen.push(text)
        answered.happen()
      }
      assert.deepEqual(seen, ['first', 'second'])
    },
    'the answer of a bidirectional stream goes on after the last message': async () => {
      const call = on({
        async *bidi(requests) {
          yield { count: (await all(requests)).length }
          yield* texts(3)
        },
      })
      const received = await all(calls().bidi(texts(5), call))
      assert.deepEqual(
        received.map(({ count, text }) => [count, text]),
        [
          [5, ''],
          [0, '0'],
          [0, '1'],
          [0, '2'],
        ],
      )
    },
  }
}

function slow({ calls, isDuplex }) {
  return {
    'a reader that pauses holds the server back': async () => {
      let produced = 0
      const call = on({
        async *serverStream() {
          for (; produced < PARTS; produced++) yield { data: bytes(PART) }
        },
      })
      const responses = []
      const interceptor = async (request, next) => {
        const response = await next(request)
        responses.push(response)
        return response
      }
      const made = calls({}, calls.client.with({ interceptors: [interceptor] }))
      const controller = new AbortController()
      const messages = made.serverStream({}, { ...call, signal: controller.signal })[Symbol.asyncIterator]()
      await messages.next()
      await settled(
        () => produced,
        () => made.unary({}, on(ping)),
      )
      // Over HTTP/1.1 the server of connect-node buffers whatever its method produces.
      if (isDuplex) assert.ok(produced < PARTS, 'the server has sent all to a reader that had paused')
      const [{ receivedBytes }] = responses
      assert.ok(receivedBytes < MAX_HELD, `${receivedBytes} bytes were received for a reader that had paused`)
      // It goes on where it has paused, beyond what had arrived.
      for (let received = 1; received < RESUMED; received++) assert.equal((await messages.next()).value.data.length, PART)
      controller.abort()
      // Version 1 of Connect-ES first returns the messages that have arrived.
      await rejectsWith(Code.Canceled, all({ [Symbol.asyncIterator]: () => messages }))
    },
    'a server that pauses holds the source back': async () => {
      const [resumed, began] = [event(), event()]
      const call = on({
        async clientStream(requests) {
          let count = 0
          for await (const { data } of requests) {
            assert.equal(data.length, PART)
            if (count++ > 0) continue
            began.happen()
            await resumed.happened
          }
          return { count }
        },
      })
      let taken = 0
      async function* source() {
        for (; taken < PARTS; taken++) yield { data: bytes(PART) }
      }
      const made = calls()
      const answer = made.clientStream(source(), call)
      await began.happened
      const before = await settled(
        () => taken,
        () => made.unary({}, on(ping)),
      )
      assert.ok(before * PART < MAX_SENT, `${before} of ${PARTS} messages were taken for a server that had paused`)
      resumed.happen()
      assert.equal((await answer).count, PARTS)
    },
  }
}
