/** Servers that only speak HTTP/1.1: Connect and gRPC-Web work, and gRPC is refused before anything is sent. */

import { Code, ConnectError as RpcError, type Transport } from '@connectrpc/connect'
import { UsageError } from '@unshard/core'
import { frames } from '@unshard/testkit'
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '../../src/connect/index.js'
import { testEnvironment } from '../environment.js'
import { callsOver, type Methods, serviceHandler } from './fixture.js'

const { server, peer, client } = testEnvironment()

/** RFC 9113 §7. */
const HTTP_1_1_REQUIRED = 0xd

const methods: Methods = {
  unary: ({ text }) => ({ text }),
  async *stream({ text }) {
    for (const each of text.split(' ')) yield { text: each }
  },
}
const start = () => server({ handler: serviceHandler(methods), protocols: ['http/1.1'] })

async function textsOf(transport: Transport): Promise<string[]> {
  const texts: string[] = []
  for await (const { text } of callsOver(transport).stream({ text: 'one two three' })) texts.push(text)
  return texts
}

it.each([
  { name: 'Connect', create: createConnectTransport },
  { name: 'gRPC-Web', create: createGrpcWebTransport },
])('$name has unary calls and streams of the server', async ({ create }) => {
  const { port, requests } = await start()
  const transport = create(client(), { baseUrl: `https://a.test.example:${port}` })
  expect(await callsOver(transport).unary({ text: 'hello' })).toMatchObject({ text: 'hello' })
  expect(await textsOf(transport)).toEqual(['one', 'two', 'three'])
  expect(requests).toHaveLength(2)
})

describe('gRPC', () => {
  const refused = (message: string) => ({
    code: Code.Internal,
    rawMessage: expect.stringContaining(message),
    cause: expect.objectContaining({ code: 'ERR_HTTP2_REQUIRED', processed: 'no' }),
  })

  it.each([
    ['a server without HTTP/2', {}],
    ['a client without HTTP/2', { protocols: ['http/1.1'] as const }],
  ])('is refused over TLS by %s, and the server gets no request', async (_what, options) => {
    const { port, requests } = await start()
    const transport = createGrpcTransport(client(options), { baseUrl: `https://a.test.example:${port}` })
    const message = 'the request needs HTTP/2, and the connection speaks HTTP/1.1: enable HTTP/2 on the server'
    const answers = [callsOver(transport).unary({ text: '' }), textsOf(transport)]
    for (const answer of answers) {
      await expect(answer).rejects.toBeInstanceOf(RpcError)
      await expect(answer).rejects.toMatchObject(refused(message))
      await expect(answer).rejects.toMatchObject({ cause: expect.any(UsageError) })
    }
    expect(requests).toEqual([])
  })

  it('is refused without TLS unless the client speaks HTTP/2 without TLS', async () => {
    const { port, requests } = await server({ handler: serviceHandler(methods), tls: undefined })
    const transport = createGrpcTransport(client(), { baseUrl: `http://a.test.example:${port}` })
    const message = `set the option cleartextProtocol to 'h2' (http://a.test.example:${port})`
    await expect(callsOver(transport).unary({ text: '' })).rejects.toMatchObject(refused(message))
    expect(requests).toEqual([])
  })

  it('is refused although an interceptor of the client changes the request', async () => {
    const { port, requests } = await start()
    const own = client({ interceptors: [(request, next) => next(request.with({ headers: [...request.headers, ['x-a', '1']] }))] })
    const transport = createGrpcTransport(own, { baseUrl: `https://a.test.example:${port}` })
    await expect(callsOver(transport).unary({ text: '' })).rejects.toMatchObject(refused('HTTP/2'))
    expect(requests).toEqual([])
  })

  it('is not sent again over HTTP/1.1 if a server of HTTP/2 asks for it', async () => {
    const scripted = await peer(async (p) => {
      await p.handshake()
      for (;;) p.send(frames.rstStream((await p.nextRequest()).streamId, HTTP_1_1_REQUIRED))
    })
    const own = client()
    const transport = createGrpcTransport(own, { baseUrl: `https://a.test.example:${scripted.port}` })
    for (const answer of [callsOver(transport).unary({ text: '' }), textsOf(transport)]) {
      const expected = { code: Code.PermissionDenied, cause: expect.objectContaining({ code: 'ERR_HTTP_1_1_REQUIRED' }) }
      await expect(answer).rejects.toMatchObject(expected)
    }
    expect(own.stats().totals).toMatchObject({ dials: 1, replayed: 0 })
  })

  it('leaves the connection to other calls', async () => {
    const { port } = await start()
    const own = client()
    const baseUrl = `https://a.test.example:${port}`
    await expect(callsOver(createGrpcTransport(own, { baseUrl })).unary({ text: '' })).rejects.toMatchObject({
      code: Code.Internal,
    })
    expect(await callsOver(createConnectTransport(own, { baseUrl })).unary({ text: 'hello' })).toMatchObject({ text: 'hello' })
    expect(own.stats()).toMatchObject({ totals: { dials: 1 }, connections: [{ active: 0 }] })
  })
})
