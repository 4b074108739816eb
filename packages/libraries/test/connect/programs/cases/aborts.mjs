/** Ends from the client's side: signals, deadlines, left loops, failing sources, and answers before the end of the content. */

import assert from 'node:assert/strict'
import { Code, ConnectError } from '@connectrpc/connect'
import { abortOf, all, event, rejectsWith } from '../expect.mjs'
import { on } from '../server.mjs'
import { isVersion1 } from '../service.mjs'

export function aborts(world) {
  return { ...bySignal(world), ...byDeadline(world), ...bySource(world) }
}

/** Methods that never answer, and events of their begin and of their abort. */
function hanging() {
  const [begun, aborted] = [event(), event()]
  const hang = async (context) => {
    begun.happen({ timeoutMs: context.timeoutMs(), header: context.requestHeader })
    await abortOf(context)
    aborted.happen()
    throw new ConnectError('aborted', Code.Canceled)
  }
  async function* streamed(context) {
    try {
      yield { text: 'first' }
      await hang(context)
    } finally {
      // On a busy machine the call may end before the first message was sent.
      aborted.happen()
    }
  }
  const methods = {
    unary: (_request, context) => hang(context),
    serverStream: (_request, context) => streamed(context),
    clientStream: (_requests, context) => hang(context),
    bidi: (_requests, context) => streamed(context),
  }
  return { call: on(methods), begun: begun.happened, aborted: aborted.happened }
}

async function* endless(closed) {
  try {
    for (;;) yield { text: 'more' }
  } finally {
    closed?.happen()
  }
}

function bySignal({ calls, isDuplex, server }) {
  return {
    'a signal that is aborted before the call: nothing is sent': async () => {
      const before = server.paths.length
      const signal = AbortSignal.abort()
      await rejectsWith(Code.Canceled, calls().unary({}, { signal }))
      await rejectsWith(Code.Canceled, all(calls().serverStream({}, { signal })))
      await rejectsWith(Code.Canceled, calls().clientStream(endless(), { signal }))
      assert.equal(server.paths.length, before)
    },
    'a signal during a unary call: the server is told': async () => {
      const { call, begun, aborted } = hanging()
      const controller = new AbortController()
      const answer = calls().unary({}, { ...call, signal: controller.signal })
      answer.catch(() => undefined)
      await begun
      controller.abort()
      await rejectsWith(Code.Canceled, answer)
      await aborted
    },
    'a signal with a reason of Connect-ES': async () => {
      const { call, begun, aborted } = hanging()
      const controller = new AbortController()
      const answer = calls().unary({}, { ...call, signal: controller.signal })
      answer.catch(() => undefined)
      await begun
      controller.abort(new ConnectError('enough', Code.OutOfRange))
      assert.equal((await rejectsWith(Code.OutOfRange, answer)).rawMessage, 'enough')
      await aborted
    },
    'a signal after the first message of a server stream': async () => {
      const { call, begun, aborted } = hanging()
      const controller = new AbortController()
      const messages = calls()
        .serverStream({}, { ...call, signal: controller.signal })
        [Symbol.asyncIterator]()
      assert.equal((await messages.next()).value.text, 'first')
      await begun
      controller.abort()
      await rejectsWith(Code.Canceled, messages.next())
      await aborted
    },
    // Version 1 of Connect-ES reads on when a loop is left, over every transport.
    ...(!isVersion1 && {
      'a loop over a server stream that is left': async () => {
        const { call, aborted } = hanging()
        for await (const { text } of calls().serverStream({}, call)) {
          assert.equal(text, 'first')
          break
        }
        await aborted
      },
    }),
    'a signal during a client stream: its source is closed': async () => {
      const { call, begun, aborted } = hanging()
      const [controller, closed] = [new AbortController(), event()]
      const answer = calls().clientStream(endless(closed), { ...call, signal: controller.signal })
      answer.catch(() => undefined)
      await begun
      controller.abort()
      await rejectsWith(Code.Canceled, answer)
      await aborted
      await closed.happened
    },
    ...(isDuplex &&
      !isVersion1 && {
        'a loop over a bidirectional stream that is left: its source is closed': async () => {
          const { call, aborted } = hanging()
          const closed = event()
          for await (const { text } of calls().bidi(endless(closed), call)) {
            assert.equal(text, 'first')
            break
          }
          await aborted
          await closed.happened
        },
      }),
  }
}

/** Long enough for a call to reach the server while other cases keep the process busy. */
const TIMEOUT_MS = 1_000

function byDeadline({ calls, protocol }) {
  const field = protocol === 'connect' ? 'connect-timeout-ms' : 'grpc-timeout'
  return {
    'timeoutMs: the server is told the time, and the end': async () => {
      const { call, begun, aborted } = hanging()
      const answer = calls().unary({}, { ...call, timeoutMs: TIMEOUT_MS })
      answer.catch(() => undefined)
      const { timeoutMs, header } = await begun
      assert.ok(timeoutMs <= TIMEOUT_MS)
      assert.equal(header.get(field), `${TIMEOUT_MS}${protocol === 'connect' ? '' : 'm'}`)
      await rejectsWith(Code.DeadlineExceeded, answer)
      await aborted
    },
    'timeoutMs of a server stream, after the first message': async () => {
      const { call, aborted } = hanging()
      await rejectsWith(Code.DeadlineExceeded, all(calls().serverStream({}, { ...call, timeoutMs: TIMEOUT_MS })))
      await aborted
    },
    'timeoutMs of a client stream': async () => {
      const { call, aborted } = hanging()
      await rejectsWith(Code.DeadlineExceeded, calls().clientStream(endless(), { ...call, timeoutMs: TIMEOUT_MS }))
      await aborted
    },
    defaultTimeoutMs: async () => {
      const { call } = hanging()
      await rejectsWith(Code.DeadlineExceeded, calls({ defaultTimeoutMs: 100 }).unary({}, call))
    },
    'a deadline of the client': async () => {
      const { call } = hanging()
      const client = calls.client.with({ timeouts: { total: 100 } })
      const { cause } = await rejectsWith(Code.DeadlineExceeded, calls({}, client).unary({}, call))
      assert.equal(cause.code, 'ERR_TIMEOUT_TOTAL')
    },
  }
}

function bySource({ calls, isDuplex }) {
  return {
    'an answer before the end of the content: the call has its error, and the source is closed': async () => {
      const closed = event()
      const call = on({
        async clientStream(requests) {
          for await (const _ of requests) throw new ConnectError('enough', Code.AlreadyExists)
        },
      })
      const { rawMessage } = await rejectsWith(Code.AlreadyExists, calls().clientStream(endless(closed), call))
      assert.equal(rawMessage, 'enough')
      await closed.happened
    },
    'a success before the end of the content': async () => {
      const closed = event()
      const call = on({
        async clientStream(requests) {
          for await (const { text } of requests) return { text }
        },
      })
      assert.equal((await calls().clientStream(endless(closed), call)).text, 'more')
      await closed.happened
    },
    'a source that fails: the call has its error, and the server is told': async () => {
      const { call, begun, aborted } = hanging()
      async function* failing() {
        yield { text: 'one' }
        await begun
        throw new RangeError('the source failed')
      }
      const { message } = await rejectsWith(Code.Internal, calls().clientStream(failing(), call))
      assert.match(message, /the source failed/)
      await aborted
    },
    ...(isDuplex && {
      'a source of a bidirectional stream that fails after the first answer': async () => {
        const { call, aborted } = hanging()
        const answered = event()
        async function* failing() {
          yield { text: 'one' }
          await answered.happened
          throw new ConnectError('the source failed', Code.DataLoss)
        }
        const messages = calls().bidi(failing(), call)[Symbol.asyncIterator]()
        assert.equal((await messages.next()).value.text, 'first')
        answered.happen()
        await rejectsWith(Code.DataLoss, messages.next())
        await aborted
      },
    }),
  }
}
