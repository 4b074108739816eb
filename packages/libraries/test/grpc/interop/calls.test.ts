/** The tests of gRPC's interop set about messages, metadata and statuses (doc/interop-test-descriptions.md of grpc/grpc). */

import { describeInterop } from './fixture.js'
import { METHODS, UNIMPLEMENTED } from './grpc-js-server.js'
import { decode, inputRequest, numberAt, outputRequest, simpleRequest, sizeOf } from './messages.js'

const { emptyCall, unaryCall, streamingInputCall, streamingOutputCall, fullDuplexCall } = METHODS
const RESPONSES = [31_415, 9, 2_653, 58_979]
const REQUESTS = [27_182, 8, 1_828, 45_904]
const LARGE = simpleRequest({ responseSize: 314_159, payload: 271_828 })
const SPECIAL = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n'
const OK = { code: 0 }

describeInterop((interop) => {
  const test = (title: string, run: () => Promise<void>): void =>
    it(title, async () => {
      if (interop.isInstalled) await run()
    })

  test('empty_unary: the request and the response have no bytes', async () => {
    const call = interop.caller()(emptyCall)
    call.send(Buffer.alloc(0))
    expect(await call.next()).toEqual(Buffer.alloc(0))
    expect(await call.ended).toMatchObject(OK)
  })

  test('large_unary: both messages are larger than a window', async () => {
    const call = interop.caller()(unaryCall)
    call.send(LARGE)
    expect(sizeOf((await call.next())!)).toBe(314_159)
    expect(await call.ended).toMatchObject(OK)
  })

  test('concurrent large_unary calls share a connection', async () => {
    const begin = interop.caller()
    const sizes = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const call = begin(unaryCall)
        call.send(LARGE)
        return sizeOf((await call.next())!)
      }),
    )
    expect(sizes).toEqual(Array.from({ length: 50 }, () => 314_159))
    expect(interop.connections).toBe(1)
  })

  test('client_streaming: the server receives all of four messages', async () => {
    const call = interop.caller()(streamingInputCall)
    for (const size of REQUESTS) call.send(inputRequest(size))
    call.end()
    expect(numberAt(decode((await call.next())!), 1)).toBe(74_922)
    expect(await call.ended).toMatchObject(OK)
  })

  test('server_streaming: four messages arrive in their order', async () => {
    const call = interop.caller()(streamingOutputCall)
    call.send(outputRequest({ responses: RESPONSES }))
    for (const size of RESPONSES) expect(sizeOf((await call.next())!)).toBe(size)
    expect(await call.next()).toBeUndefined()
    expect(await call.ended).toMatchObject(OK)
  })

  test('ping_pong: each response comes before the next request', async () => {
    const call = interop.caller()(fullDuplexCall)
    for (const [i, size] of RESPONSES.entries()) {
      call.send(outputRequest({ responses: [size], payload: REQUESTS[i]! }))
      expect(sizeOf((await call.next())!)).toBe(size)
    }
    call.end()
    expect(await call.next()).toBeUndefined()
    expect(await call.ended).toMatchObject(OK)
  })

  test('empty_stream: a call without messages in either direction succeeds', async () => {
    const call = interop.caller()(fullDuplexCall)
    call.end()
    expect(await call.next()).toBeUndefined()
    expect(await call.ended).toMatchObject(OK)
  })

  test('custom_metadata: text and bytes come back, at the beginning and at the end', async () => {
    const bytes = Buffer.from([0xab, 0xab, 0xab])
    const metadata = { 'x-grpc-test-echo-initial': 'test_initial_metadata_value', 'x-grpc-test-echo-trailing-bin': bytes }
    const begin = interop.caller()
    const calls = [begin(unaryCall, { metadata }), begin(fullDuplexCall, { metadata })] as const
    calls[0].send(LARGE)
    calls[1].send(outputRequest({ responses: [314_159], payload: 271_828 }))
    for (const call of calls) {
      call.end()
      expect(sizeOf((await call.next())!)).toBe(314_159)
      const ended = await call.ended
      expect(ended).toMatchObject(OK)
      expect(ended.initial('x-grpc-test-echo-initial')).toBe('test_initial_metadata_value')
      expect(ended.trailing('x-grpc-test-echo-trailing-bin')).toEqual(bytes)
    }
  })

  for (const [name, message] of [
    ['status_code_and_message', 'test status message'],
    ['special_status_message', SPECIAL],
  ] as const)
    test(`${name}: the status of the server is that of the call`, async () => {
      const begin = interop.caller()
      const calls = [begin(unaryCall), begin(fullDuplexCall)] as const
      calls[0].send(simpleRequest({ status: [2, message] }))
      calls[1].send(outputRequest({ status: [2, message] }))
      for (const call of calls) {
        call.end()
        expect(await call.next()).toBeUndefined()
        expect(await call.ended).toMatchObject({ code: 2, details: message })
      }
    })

  test('unimplemented_method and unimplemented_service: the status is UNIMPLEMENTED', async () => {
    const begin = interop.caller()
    for (const method of UNIMPLEMENTED) {
      const call = begin(method)
      call.send(Buffer.alloc(0))
      expect(await call.ended).toMatchObject({ code: 12 })
    }
  })

  test('cancel_after_begin: a call that is canceled before its first message is CANCELLED', async () => {
    const begin = interop.caller()
    const call = begin(streamingInputCall)
    call.cancel()
    expect(await call.ended).toMatchObject({ code: 1 })
  })

  test('cancel_after_first_response: a call that is canceled between messages is CANCELLED', async () => {
    const begin = interop.caller()
    const call = begin(fullDuplexCall)
    call.send(outputRequest({ responses: [31_415], payload: 27_182 }))
    expect(sizeOf((await call.next())!)).toBe(31_415)
    call.cancel()
    expect(await call.ended).toMatchObject({ code: 1 })
    const next = begin(emptyCall)
    next.send(Buffer.alloc(0))
    expect(await next.ended).toMatchObject(OK)
    expect(interop.connections).toBe(1)
  })

  test('timeout_on_sleeping_server: a call without an answer ends at its deadline', async () => {
    const begin = interop.caller()
    for (const timeoutMs of [1, 100]) {
      const call = begin(fullDuplexCall, { timeoutMs })
      call.send(outputRequest({ payload: 27_182 }))
      expect(await call.next()).toBeUndefined()
      expect(await call.ended).toMatchObject({ code: 4 })
    }
  })
})
