/** `grpcClient()` against a real server of `@grpc/grpc-js`. */

import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import { UsageError } from 'unshard'
import { type GrpcClient, type GrpcClientOptions, GrpcError, grpcClient, Status } from 'unshard/grpc'
import { grpcFixture, SERVICE } from './fixture.js'
import { handlers, SPECIAL } from './handlers.js'

const fixture = grpcFixture()
const text = (value: string): Buffer => Buffer.from(value)

interface Started {
  readonly grpc: GrpcClient
  readonly seen: ReturnType<typeof handlers>['seen']
  readonly server: Awaited<ReturnType<typeof fixture.grpcServer>>
}

async function start(options: Partial<GrpcClientOptions> = {}, own: object = {}, scheme = 'https'): Promise<Started> {
  const made = handlers()
  const server = await fixture.grpcServer(
    { ...made.handlers, ...own } as never,
    {
      cleartext: scheme === 'http',
      'grpc.max_receive_message_length': -1,
    } as never,
  )
  const grpc = grpcClient(fixture.client(), { baseUrl: `${scheme}://a.test.example:${server.port}`, ...options })
  return { grpc, seen: made.seen, server }
}

async function all(stream: AsyncIterable<Buffer>): Promise<string[]> {
  const received: string[] = []
  for await (const message of stream) received.push(String(message))
  return received
}

const failed = (promise: Promise<unknown>): Promise<GrpcError> =>
  promise.then(
    () => undefined as never,
    (error) => error,
  )

it.each(['https', 'http'])('calls methods of every kind over %s', async (scheme) => {
  const { grpc, server } = await start({}, {}, scheme)
  const { response, status: ended } = await grpc.unary(SERVICE.unary, text('hello'))
  expect([String(response), ended]).toEqual(['hello', { code: Status.OK, details: 'OK' }])
  expect((await grpc.unary(SERVICE.unary, text('large 1000000'))).response).toHaveLength(1_000_000)
  const numbers = Array.from({ length: 1_000 }, (_, i) => String(i))
  expect(await all(grpc.serverStream(SERVICE.serverStream, text('count 1000')))).toEqual(numbers)
  const messages = numbers.map(() => Buffer.alloc(100))
  expect(String((await grpc.clientStream(SERVICE.clientStream, messages)).response)).toBe('100000')
  expect(await all(grpc.bidi(SERVICE.bidi, numbers.map(text)))).toEqual(numbers)
  expect(server.connections).toBe(1)
})

it('messages of a bidirectional call go back and forth', async () => {
  const { grpc } = await start()
  const echoes: string[] = []
  let next!: (value: string | undefined) => void
  async function* questions(): AsyncGenerator<Buffer> {
    for (let value: string | undefined = '0'; value !== undefined; ) {
      const answered = new Promise<string | undefined>((resolve) => {
        next = resolve
      })
      yield text(value)
      value = await answered
    }
  }
  for await (const echo of grpc.bidi(SERVICE.bidi, questions())) {
    echoes.push(String(echo))
    next(echoes.length < 5 ? String(echoes.length) : undefined)
  }
  expect(echoes).toEqual(['0', '1', '2', '3', '4'])
})

it('metadata of each kind is sent and received', async () => {
  const { grpc } = await start({ metadata: { 'x-initial': 'default', 'x-other': '1' } })
  const metadata = {
    'x-initial': ['one', 'two'],
    'x-initial-bin': new Uint8Array([0, 255]),
    'x-trailing-bin': new Uint8Array([1, 2]),
  }
  const answer = await grpc.unary(SERVICE.unary, text('metadata'), { metadata })
  expect(answer.metadata.get('x-initial')).toBe('one, two')
  expect(answer.metadata.getBytes('x-initial-bin')).toEqual(Buffer.from([0, 255]))
  expect(answer.trailers.getBytes('x-trailing-bin')).toEqual(Buffer.from([1, 2]))
  await expect(grpc.unary(SERVICE.unary, text('x'), { metadata: { 'a-bin': 'text' } })).rejects.toBeInstanceOf(UsageError)
})

it('a status other than OK is an error with its code, message and metadata', async () => {
  const { grpc } = await start()
  const error = await failed(grpc.unary(SERVICE.unary, text('details')))
  expect(error).toBeInstanceOf(GrpcError)
  expect(error).toMatchObject({
    code: 'ERR_GRPC_STATUS',
    status: Status.NOT_FOUND,
    statusName: 'NOT_FOUND',
    details: 'no such thing',
    processed: 'yes',
  })
  expect(error.trailers.getBytes('grpc-status-details-bin')).toEqual(Buffer.from([1, 2, 3]))
  expect(await failed(grpc.unary(SERVICE.unary, text('special')))).toMatchObject({ status: Status.UNKNOWN, details: SPECIAL })
  expect(await failed(all(grpc.serverStream(SERVICE.serverStream, text('fails 3'))))).toMatchObject({ status: Status.DATA_LOSS })
  const nothing = { ...SERVICE.unary, path: '/test.Service/Nothing' }
  expect(await failed(grpc.unary(nothing, text('')))).toMatchObject({ status: Status.UNIMPLEMENTED })
  async function* refused(): AsyncGenerator<Buffer> {
    yield text('refuse')
    await new Promise(() => undefined)
  }
  expect(await failed(grpc.clientStream(SERVICE.clientStream, refused()))).toMatchObject({ status: Status.FAILED_PRECONDITION })
})

it('a deadline, an abort and a reader that leaves end the call on both sides', async () => {
  const { grpc, seen } = await start()
  expect(await failed(grpc.unary(SERVICE.unary, text('waits'), { timeoutMs: 100 }))).toMatchObject({
    status: Status.DEADLINE_EXCEEDED,
  })
  const controller = new AbortController()
  const reason = new Error('the reason')
  const waiting = grpc.unary(SERVICE.unary, text('waits'), { signal: controller.signal })
  while (seen.deadlines.length < 2) await new Promise(setImmediate)
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  for await (const message of grpc.serverStream(SERVICE.serverStream, text('waits'))) {
    expect(String(message)).toBe('first')
    break
  }
  while (seen.cancelled.length < 3) await new Promise(setImmediate)
  expect(seen.cancelled).toEqual(['waits', 'waits', 'waits'])
})

it('limits of messages apply in both directions, compressed or not', async () => {
  const { grpc } = await start({ maxReceiveBytes: 1_000, maxSendBytes: 2_000 })
  expect(await failed(grpc.unary(SERVICE.unary, text('large 1001')))).toMatchObject({ status: Status.RESOURCE_EXHAUSTED })
  expect((await grpc.unary(SERVICE.unary, text('large 1000'))).response).toHaveLength(1_000)
  await expect(grpc.unary(SERVICE.unary, Buffer.alloc(2_001))).rejects.toBeInstanceOf(UsageError)
  const { grpc: compressing } = await start({ compression: 'gzip', maxReceiveBytes: 100_000 })
  const large = Buffer.alloc(100_000, 5)
  expect((await compressing.unary(SERVICE.unary, large)).response.equals(large)).toBe(true)
  expect(await failed(compressing.unary(SERVICE.unary, Buffer.alloc(100_001)))).toMatchObject({
    status: Status.RESOURCE_EXHAUSTED,
  })
  expect(await all(compressing.bidi(SERVICE.bidi, [text('a'), text('b')]))).toEqual(['a', 'b'])
})

describe('a service config', () => {
  const retryPolicy = {
    maxAttempts: 3,
    initialBackoff: '0.001s',
    maxBackoff: '0.01s',
    backoffMultiplier: 2,
    retryableStatusCodes: ['UNAVAILABLE'],
  }
  const serviceConfig = { methodConfig: [{ name: [{ service: 'test.Service' }], timeout: '5s', retryPolicy }] }

  function failing(
    times: number,
    code: number,
  ): { calls: number; unary(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void } {
    const counter = {
      calls: 0,
      unary(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
        if (++counter.calls > times) done(null, call.request)
        else done({ code, details: `failure ${counter.calls}` })
      },
    }
    return counter
  }

  it('sends again after a status that may be retried, at most as often as it says', async () => {
    const twice = failing(2, status.UNAVAILABLE)
    const { grpc } = await start({ serviceConfig }, twice)
    expect(String((await grpc.unary(SERVICE.unary, text('again'))).response)).toBe('again')
    expect(twice.calls).toBe(3)
    const always = failing(9, status.UNAVAILABLE)
    const { grpc: other } = await start({ serviceConfig }, always)
    expect(await failed(other.unary(SERVICE.unary, text('x')))).toMatchObject({
      status: Status.UNAVAILABLE,
      details: 'failure 3',
    })
    expect(always.calls).toBe(3)
    const fatal = failing(1, status.INTERNAL)
    const { grpc: third } = await start({ serviceConfig }, fatal)
    expect(await failed(third.unary(SERVICE.unary, text('x')))).toMatchObject({ status: Status.INTERNAL })
    expect(fatal.calls).toBe(1)
  })

  it('refuses what is not valid', async () => {
    const invalid = [
      { maxAttempts: 1 },
      { initialBackoff: '1' },
      { backoffMultiplier: 0 },
      { retryableStatusCodes: ['OK'] },
      { retryableStatusCodes: [] },
    ]
    for (const change of invalid) {
      const methodConfig = [{ name: [{}], retryPolicy: { ...retryPolicy, ...change } }]
      expect(() => grpcClient(fixture.client(), { baseUrl: 'https://a.example', serviceConfig: { methodConfig } })).toThrow(
        UsageError,
      )
    }
  })
})
