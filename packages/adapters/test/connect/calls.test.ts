/** Calls over each transport: those that the shortcut answers, and those that it leaves to Connect-ES. */

import { Code, ConnectError as RpcError } from '@connectrpc/connect'
import type { Client } from '@unshard/core'
import type { OriginHandler } from '@unshard/testkit'
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  type RpcTransportOptions,
  universalClient,
} from '../../src/connect/index.js'
import { testEnvironment } from '../environment.js'
import { type Calls, callsOver, type Methods, serviceHandler } from './fixture.js'

const { server, client } = testEnvironment()
const LONG = 'a text that repeats itself, '.repeat(100)

const echo: Methods = {
  unary: ({ text }, { responseTrailer, requestMethod }) => {
    responseTrailer.set('x-method', requestMethod)
    return { text }
  },
  async *stream({ text }) {
    for (const each of text.split(' ')) yield { text: each }
  },
}

interface World {
  readonly own: Client
  readonly origin: string
  readonly requests: readonly { readonly headers: Readonly<Record<string, unknown>> }[]
  calls(options?: Partial<RpcTransportOptions>): Calls
}

describe.each([
  { name: 'Connect', create: createConnectTransport },
  { name: 'gRPC', create: createGrpcTransport },
  { name: 'gRPC-Web', create: createGrpcWebTransport },
])('$name', ({ name, create }) => {
  async function worldOf(handler: OriginHandler = serviceHandler(echo)): Promise<World> {
    const { port, requests } = await server({ handler })
    const [own, origin] = [client(), `https://a.test.example:${port}`]
    const calls = (options?: Partial<RpcTransportOptions>): Calls => callsOver(create(own, { baseUrl: origin, ...options }))
    return { own, origin, requests, calls }
  }

  it('a unary call has its message and its trailers', async () => {
    const { calls, requests } = await worldOf()
    let trailers: Headers | undefined
    const onTrailer = (given: Headers): void => {
      trailers = given
    }
    expect(await calls({ acceptCompression: [] }).unary({ text: LONG }, { onTrailer })).toMatchObject({ text: LONG })
    expect(trailers?.get('x-method')).toBe('POST')
    expect(requests[0]?.headers).toHaveProperty('content-length')
  })

  it.each([
    ['a compressed response', {}],
    ['a compressed request', { sendCompression: compressionGzip }],
    ['JSON', { useBinaryFormat: false }],
  ])('a unary call with %s', async (_what, options) => {
    const { calls } = await worldOf()
    expect(await calls(options).unary({ text: LONG })).toMatchObject({ text: LONG })
  })

  it('a stream has its messages', async () => {
    const { calls } = await worldOf()
    const texts: string[] = []
    for await (const { text } of calls().stream({ text: 'one two three' })) texts.push(text)
    expect(texts).toEqual(['one', 'two', 'three'])
  })

  it('messages over a limit are refused', async () => {
    const { calls } = await worldOf()
    const tooLarge = { code: Code.ResourceExhausted }
    await expect(calls({ writeMaxBytes: 100 }).unary({ text: LONG })).rejects.toMatchObject(tooLarge)
    await expect(calls({ readMaxBytes: 100, acceptCompression: [] }).unary({ text: LONG })).rejects.toMatchObject(tooLarge)
  })

  it('an error of the server', async () => {
    const fail = (): never => {
      throw new RpcError('refused', Code.Aborted)
    }
    const { calls } = await worldOf(serviceHandler({ unary: fail }))
    await expect(calls().unary({ text: '' })).rejects.toMatchObject({ code: Code.Aborted, rawMessage: 'refused' })
  })

  it('a response that is not of the protocol', async () => {
    const { calls } = await worldOf((_request, response) => void response.writeHead(503).end('down'))
    await expect(calls().unary({ text: '' })).rejects.toMatchObject({ code: Code.Unavailable })
  })

  it('a message that cannot be parsed', async () => {
    const type = { Connect: 'application/proto', gRPC: 'application/grpc', 'gRPC-Web': 'application/grpc-web' }[name]!
    const trailers = 'grpc-status: 0\r\n'
    const malformed = Buffer.from([0x0a, 0x05])
    const framed = Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), malformed])
    const block = Buffer.concat([Buffer.from([0x80, 0, 0, 0, trailers.length]), Buffer.from(trailers)])
    const { calls } = await worldOf((_request, response) => {
      response.writeHead(200, { 'content-type': type })
      response.write(name === 'Connect' ? malformed : framed)
      if (name === 'gRPC') response.addTrailers({ 'grpc-status': '0' })
      response.end(name === 'gRPC-Web' ? block : undefined)
    })
    await expect(calls().unary({ text: '' })).rejects.toMatchObject({ code: expect.any(Number) })
  })

  it('an aborted call', async () => {
    const { calls } = await worldOf()
    const canceled = { code: Code.Canceled }
    await expect(calls().unary({ text: '' }, { signal: AbortSignal.abort() })).rejects.toMatchObject(canceled)
  })

  it('a stream that is left', async () => {
    const { calls, own } = await worldOf((request, response) => {
      if (request.url?.endsWith('Stream') !== true) return void response.end()
      const type = name === 'Connect' ? 'application/connect+proto' : `application/grpc${name === 'gRPC' ? '' : '-web'}+proto`
      response.writeHead(200, { 'content-type': type })
      // An empty message; the response goes on.
      response.write(Buffer.alloc(5))
    })
    for await (const { text } of calls().stream({ text: '' })) {
      expect(text).toBe('')
      break
    }
    expect(own.stats().connections).toMatchObject([{ active: 0 }])
  })
})

it('a call without side effects is a GET if wanted', async () => {
  const { port } = await server({ handler: serviceHandler(echo) })
  const transport = createConnectTransport(client(), { baseUrl: `https://a.test.example:${port}`, useHttpGet: true })
  let method: string | null | undefined
  const onTrailer = (trailers: Headers): void => {
    method = trailers.get('x-method')
  }
  expect(await callsOver(transport).unary({ text: 'a' }, { onTrailer })).toMatchObject({ text: 'a' })
  expect(method).toBe('GET')
})

it('the HTTP client alone: content, an error of a reader, and a lost response', async () => {
  const { port } = await server({
    handler: ({ url }, response) => {
      response.write('part')
      if (url === '/lost') response.destroy()
      else if (url === '/whole') response.end()
    },
  })
  const send = (path: string): ReturnType<ReturnType<typeof universalClient>> =>
    universalClient(client())({ url: `https://a.test.example:${port}${path}`, method: 'GET', header: new Headers() })
  const parts: Uint8Array[] = []
  for await (const part of (await send('/whole')).body) parts.push(part)
  expect(Buffer.concat(parts).toString()).toBe('part')
  const left = (await send('/open')).body[Symbol.asyncIterator]()
  const reason = new Error('the reader failed')
  await expect(left.throw!(reason)).rejects.toBe(reason)
  const reading = (async () => {
    for await (const part of (await send('/lost')).body) expect(part).toHaveLength(4)
  })()
  await expect(reading).rejects.toBeInstanceOf(RpcError)
})
