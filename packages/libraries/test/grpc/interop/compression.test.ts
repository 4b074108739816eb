/** The tests of gRPC's interop set about compression. Bytes on the connection show what is compressed. */

import { describeInterop } from './fixture.js'
import { METHODS } from './grpc-js-server.js'
import { decode, inputRequest, numberAt, outputRequest, type RequestFields, simpleRequest, sizeOf } from './messages.js'

const { unaryCall, streamingInputCall, streamingOutputCall } = METHODS
/** More than the fields of a call and a handshake, less than the messages. */
const FEW = 10_000

describeInterop((interop) => {
  const test = (title: string, run: () => Promise<void>): void =>
    it(title, async () => {
      if (interop.isInstalled) await run()
    })

  /** Calls a unary method and returns the code of its status and the bytes that were sent and received for it. */
  async function unary(isCompressing: boolean, fields: RequestFields): Promise<{ code: number; sent: number; received: number }> {
    const { sent, received } = interop
    const call = interop.caller(isCompressing)(unaryCall)
    call.send(simpleRequest({ responseSize: 314_159, payload: 271_828, ...fields }))
    const response = await call.next()
    const { code } = await call.ended
    if (code === 0) expect(sizeOf(response!)).toBe(314_159)
    return { code, sent: interop.sent - sent, received: interop.received - received }
  }

  test('client_compressed_unary: the server reads compressed and plain requests', async () => {
    const compressed = await unary(true, { expectCompressed: true })
    expect(compressed.code).toBe(0)
    expect(compressed.sent).toBeLessThan(FEW)
    const plain = await unary(false, { expectCompressed: false })
    expect(plain.code).toBe(0)
    expect(plain.sent).toBeGreaterThan(271_828)
    if (interop.server.checksRequests) expect(await unary(false, { expectCompressed: true })).toMatchObject({ code: 3 })
  })

  test('client_compressed_streaming: the server reads streams of compressed and of plain messages', async () => {
    for (const isCompressing of [true, false]) {
      const call = interop.caller(isCompressing)(streamingInputCall)
      const { sent } = interop
      for (const size of [27_182, 45_904]) call.send(inputRequest(size, isCompressing))
      call.end()
      expect(numberAt(decode((await call.next())!), 1)).toBe(73_086)
      expect(await call.ended).toMatchObject({ code: 0 })
      expect(interop.sent - sent < FEW).toBe(isCompressing)
    }
    if (!interop.server.checksRequests) return
    const probe = interop.caller()(streamingInputCall)
    probe.send(inputRequest(27_182, true))
    expect(await probe.ended).toMatchObject({ code: 3 })
  })

  test('server_compressed_unary: compressed and plain responses are read', async () => {
    if (interop.server.compressesResponses) {
      const compressed = await unary(false, { responseCompressed: true })
      expect(compressed.code).toBe(0)
      expect(compressed.received).toBeLessThan(FEW)
      const plain = await unary(false, { responseCompressed: false })
      expect(plain.code).toBe(0)
      expect(plain.received).toBeGreaterThan(314_159)
    } else if (interop.server.name === 'grpc-go') {
      // It answers with the encoding of the request.
      const { received } = await unary(true, {})
      expect(received).toBeLessThan(FEW)
      expect((await unary(false, {})).received).toBeGreaterThan(314_159)
    }
  })

  test('server_compressed_streaming: one stream has compressed and plain messages', async () => {
    if (!interop.server.compressesResponses) return
    const call = interop.caller()(streamingOutputCall)
    const { received } = interop
    call.send(
      outputRequest({
        responses: [
          [31_415, true],
          [92_653, false],
        ],
      }),
    )
    expect(sizeOf((await call.next())!)).toBe(31_415)
    expect(sizeOf((await call.next())!)).toBe(92_653)
    expect(await call.ended).toMatchObject({ code: 0 })
    expect(interop.received - received).toBeGreaterThan(92_653)
    expect(interop.received - received).toBeLessThan(92_653 + FEW)
  })

  test('too_many_pings: calls that time out in a row do not make the server end the connection', async () => {
    const begin = interop.caller()
    const first = begin(METHODS.emptyCall)
    first.send(Buffer.alloc(0))
    expect(await first.ended).toMatchObject({ code: 0 })
    for (let i = 0; i < 30; i++) {
      const call = begin(METHODS.fullDuplexCall, { timeoutMs: 20 })
      call.send(outputRequest({ payload: 10 }))
      expect(await call.ended).toMatchObject({ code: 4 })
    }
    const last = begin(METHODS.emptyCall)
    last.send(Buffer.alloc(0))
    expect(await last.ended).toMatchObject({ code: 0 })
    expect(interop.connections).toBe(1)
  })
})
