/** Unary calls for which the shortcut must do what Connect-ES itself does: see `src/connect/unary-shortcut.ts`. */

import { Code, encodeBinaryHeader, type Interceptor, ConnectError as RpcError } from '@connectrpc/connect'
import type { OriginHandler } from '@unshard/testkit'
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  type RpcTransportOptions,
} from '../../src/connect/index.js'
import { testEnvironment } from '../environment.js'
import { type Calls, callsOver, type Methods, serviceHandler } from './fixture.js'

const { server, client } = testEnvironment()

const echo: Methods = { unary: ({ text }) => ({ text }) }

/** A block of trailers of gRPC-Web. */
function trailerBlock(trailers: Readonly<Record<string, string>>): Buffer {
  const lines = Buffer.from(
    Object.entries(trailers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join(''),
  )
  const prefix = Buffer.from([0x80, 0, 0, 0, 0])
  prefix.writeUInt32BE(lines.length, 1)
  return Buffer.concat([prefix, lines])
}

describe.each([
  { name: 'Connect', create: createConnectTransport },
  { name: 'gRPC', create: createGrpcTransport },
  { name: 'gRPC-Web', create: createGrpcWebTransport },
])('$name', ({ name, create }) => {
  async function setup(handler: OriginHandler = serviceHandler(echo)) {
    const { port, requests } = await server({ handler })
    const own = client()
    const baseUrl = `https://a.test.example:${port}`
    const calls = (options?: Partial<RpcTransportOptions>): Calls => callsOver(create(own, { baseUrl, ...options }))
    return { own, requests, calls }
  }

  it('a message that cannot be encoded rejects with a ConnectError, and sends nothing', async () => {
    const { calls, requests } = await setup()
    const fail = (): never => {
      throw new RangeError('not text')
    }
    const sent = calls().unary({ text: { toString: fail } as never })
    await expect(sent).rejects.toBeInstanceOf(RpcError)
    await expect(sent).rejects.toMatchObject({ code: Code.Internal, rawMessage: expect.stringContaining('not text') })
    expect(requests).toEqual([])
  })

  it('an interceptor that calls twice gets the response of each attempt', async () => {
    let attempts = 0
    const answer = serviceHandler(echo)
    const { calls } = await setup((request, response) => {
      if (++attempts === 1) response.writeHead(503).end()
      else answer(request, response)
    })
    const seen: unknown[] = []
    const retry: Interceptor = (next) => async (request) => {
      await next(request).catch(({ code }: RpcError) => seen.push(Code[code]))
      // A message of this size is compressed, and not for the shortcut.
      if (!request.stream) (request.message as unknown as { text: string }).text = 'x'.repeat(2_000)
      return next(request)
    }
    const options = { interceptors: [retry], sendCompression: compressionGzip }
    expect(await calls(options).unary({ text: 'short' })).toMatchObject({ text: 'x'.repeat(2_000) })
    expect([seen, attempts]).toEqual([['Unavailable'], 2])
  })

  it('a message of exactly compressMinBytes is compressed where Connect-ES does so', async () => {
    let length: number | undefined
    const answer = serviceHandler(echo)
    const { calls } = await setup((request, response) => {
      length = Number(request.headers['content-length'])
      return answer(request, response)
    })
    // Two bytes of the encoded message are tag and length of the text.
    const text = 'x'.repeat(98)
    await calls({ sendCompression: compressionGzip, compressMinBytes: 100 }).unary({ text })
    if (name === 'Connect') expect(length).toBe(100)
    else expect(length).toBeLessThan(100)
  })

  it('a default deadline of 0 is none', async () => {
    const { calls } = await setup()
    expect(await calls({ defaultTimeoutMs: 0 }).unary({ text: 'in time' })).toMatchObject({ text: 'in time' })
  })

  it('a response that is an error ends although the server sends content without end', async () => {
    const { calls, own } = await setup((_request, response) => {
      response.writeHead(503, { 'content-type': 'text/plain' })
      response.write('the beginning of a long text')
    })
    await expect(calls().unary({ text: '' })).rejects.toMatchObject({ code: Code.Unavailable })
    expect(own.stats().connections).toMatchObject([{ active: 0 }])
  })

  it('a response whose deadline passes in the middle of a message is DeadlineExceeded', async () => {
    const type = { Connect: 'application/proto', gRPC: 'application/grpc', 'gRPC-Web': 'application/grpc-web' }[name]!
    const { calls, own } = await setup((_request, response) => {
      response.writeHead(200, { 'content-type': type })
      response.write(Buffer.from([0, 0]))
    })
    await expect(calls({ defaultTimeoutMs: 1_000 }).unary({ text: '' })).rejects.toMatchObject({ code: Code.DeadlineExceeded })
    // Not even the connection is open if the machine is that slow.
    expect(own.stats().connections.filter(({ active }) => active > 0)).toEqual([])
  })
})

describe.each([
  { name: 'gRPC', create: createGrpcTransport, type: 'application/grpc' },
  { name: 'gRPC-Web', create: createGrpcWebTransport, type: 'application/grpc-web' },
])('the trailers of $name', ({ name, create, type }) => {
  it('have an error in grpc-status-details-bin although grpc-status is 0', async () => {
    // A google.rpc.Status: code 9, message "refused".
    const details = encodeBinaryHeader(Buffer.concat([Buffer.from([0x08, 9, 0x12, 7]), Buffer.from('refused')]))
    const trailers = { 'grpc-status': '0', 'grpc-status-details-bin': details }
    const { port } = await server({
      handler: (_request, response) => {
        response.writeHead(200, { 'content-type': type })
        response.write(Buffer.alloc(5))
        if (name === 'gRPC') response.addTrailers(trailers)
        response.end(name === 'gRPC' ? undefined : trailerBlock(trailers))
      },
    })
    const calls = callsOver(create(client(), { baseUrl: `https://a.test.example:${port}` }))
    await expect(calls.unary({ text: '' })).rejects.toMatchObject({ code: Code.FailedPrecondition, rawMessage: 'refused' })
  })
})
