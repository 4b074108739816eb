/** The status of a call: what a server may do instead of answering as gRPC says. */

import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { OriginHandler } from '@unshard/testkit'
import { type GrpcClient, GrpcError, grpcClient, Status } from '../../src/grpc/index.js'
import { testEnvironment } from '../environment.js'

const { server, client } = testEnvironment()
const same = (value: Uint8Array): Buffer => value as Buffer
const METHOD = {
  path: '/test.Service/Any',
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  responseDeserialize: same,
}
const GRPC = { 'content-type': 'application/grpc' }
const MESSAGE = Buffer.from([0, 0, 0, 0, 2, 104, 105])

async function calling(handler: OriginHandler): Promise<GrpcClient> {
  const origin = await server({ handler })
  return grpcClient(client(), { baseUrl: origin.url('a.test.example') })
}

/** The error of a unary call, and that of a stream: they must be the same. */
async function failureOf(handler: OriginHandler): Promise<GrpcError> {
  const grpc = await calling(handler)
  const caught = (error: unknown): GrpcError => error as GrpcError
  const unary = await grpc.unary(METHOD, Buffer.alloc(1)).then(() => undefined as never, caught)
  const stream = await grpc
    .serverStream(METHOD, Buffer.alloc(1))
    .next()
    .then(({ done, value }) => Promise.reject(new Error(`${done} ${String(value)}`)))
    .catch(caught)
  expect(unary).toBeInstanceOf(GrpcError)
  expect(stream.status).toBe(unary.status)
  return unary
}

const answer =
  (status: number, headers: object, content?: Uint8Array): OriginHandler =>
  (_request, response) =>
    void response.writeHead(status, { ...headers }).end(content)

it.each([
  [400, Status.INTERNAL],
  [401, Status.UNAUTHENTICATED],
  [403, Status.PERMISSION_DENIED],
  [404, Status.UNIMPLEMENTED],
  [429, Status.UNAVAILABLE],
  [500, Status.UNKNOWN],
  [502, Status.UNAVAILABLE],
  [503, Status.UNAVAILABLE],
  [504, Status.UNAVAILABLE],
])('HTTP status %i is status %i', async (status, expected) => {
  const error = await failureOf(answer(status, { 'content-type': 'text/html' }, Buffer.from('<html>')))
  expect(error).toMatchObject({ status: expected, details: `the server answered with HTTP status ${status}` })
})

it('grpc-status wins over the HTTP status, and comes without content', async () => {
  const headers = { ...GRPC, 'grpc-status': '5', 'grpc-message': 'no%20such%20thing%' }
  expect(await failureOf(answer(503, headers))).toMatchObject({ status: Status.NOT_FOUND, details: 'no%20such%20thing%' })
  expect(await failureOf(answer(200, { ...GRPC, 'grpc-status': '99' }))).toMatchObject({ status: Status.UNKNOWN })
})

it('another content-type is not gRPC', async () => {
  const error = await failureOf(answer(200, { 'content-type': 'application/grpc-web' }, MESSAGE))
  expect(error).toMatchObject({
    status: Status.UNKNOWN,
    details: 'the content-type "application/grpc-web" of the server is not application/grpc',
  })
  expect(await failureOf(answer(200, {}))).toMatchObject({ status: Status.UNKNOWN })
})

it.each([
  ['a flag that is not known', Buffer.from([7, 0, 0, 0, 0])],
  ['content that ends inside a message', MESSAGE.subarray(0, 6)],
  ['content that ends inside a prefix', MESSAGE.subarray(0, 3)],
  ['no message, and no status', Buffer.alloc(0)],
  ['a message that is compressed without an encoding', Buffer.from([1, 0, 0, 0, 0])],
])('%s is INTERNAL', async (_title, content) => {
  expect((await failureOf(answer(200, GRPC, content))).status).toBe(Status.INTERNAL)
})

it('an empty message that is marked as compressed is empty', async () => {
  const grpc = await calling((_request, response) => {
    response.writeHead(200, { ...GRPC, 'grpc-encoding': 'gzip' })
    ;(response as unknown as Http2ServerResponse).addTrailers({ 'grpc-status': '0' })
    response.end(Buffer.from([1, 0, 0, 0, 0]))
  })
  expect((await grpc.unary(METHOD, Buffer.alloc(1))).response).toHaveLength(0)
  expect((await grpc.serverStream(METHOD, Buffer.alloc(1)).next()).value).toHaveLength(0)
})

it('the error of a source of messages is the cause, and the call is over', async () => {
  const grpc = await calling((_request, response) => void response.writeHead(200, GRPC).flushHeaders())
  const broken = new Error('the source is broken')
  async function* messages(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(1)
    throw broken
  }
  const error = await grpc
    .bidi(METHOD, messages())
    .next()
    .catch((caught: unknown) => caught)
  expect(error).toMatchObject({ status: Status.CANCELLED, cause: { code: 'ERR_REQUEST_BODY', cause: broken } })
})

it('a message that cannot be decompressed, and an encoding that is not known, are INTERNAL', async () => {
  const compressed = Buffer.from([1, 0, 0, 0, 2, 104, 105])
  for (const encoding of ['gzip', 'br']) {
    const grpc = await calling(answer(200, { ...GRPC, 'grpc-encoding': encoding, trailer: 'grpc-status' }, compressed))
    await expect(grpc.serverStream(METHOD, Buffer.alloc(1)).next()).rejects.toMatchObject({ status: Status.INTERNAL })
  }
})

it.each([
  [0x0, Status.INTERNAL],
  [0x1, Status.INTERNAL],
  [0x2, Status.INTERNAL],
  [0x8, Status.CANCELLED],
  [0xb, Status.RESOURCE_EXHAUSTED],
  [0xc, Status.PERMISSION_DENIED],
])('a reset with code %i after a message is status %i', async (code, expected) => {
  const grpc = await calling((_request, response) => {
    response.writeHead(200, GRPC)
    response.write(MESSAGE, () => closeStream(response, code))
  })
  const stream = grpc.serverStream(METHOD, Buffer.alloc(1))
  const read = async (): Promise<void> => {
    for await (const message of stream) expect(String(Buffer.from(message))).toBe('hi')
  }
  await expect(read()).rejects.toMatchObject({ status: expected, code: 'ERR_GRPC_STATUS' })
})

it('a server that cannot be reached is UNAVAILABLE, and has not acted', async () => {
  const origin = await server()
  await origin.close()
  const grpc = grpcClient(client(), { baseUrl: origin.url('a.test.example') })
  const error = await grpc.unary(METHOD, Buffer.alloc(1)).then(
    () => undefined as never,
    (caught: GrpcError) => caught,
  )
  expect(error).toMatchObject({ status: Status.UNAVAILABLE, processed: 'no', cause: { name: 'ConnectError' } })
})

function closeStream(response: ServerResponse | Http2ServerResponse, code: number): void {
  ;(response as Http2ServerResponse).stream.close(code)
}
