/** Retries of `grpcClient()` by a service config (gRFC A6), with a real server of `@grpc/grpc-js`. */

import { Metadata, type ServerUnaryCall, type ServerWritableStream, type sendUnaryData, status } from '@grpc/grpc-js'
import { type GrpcClient, type GrpcClientOptions, GrpcError, grpcClient, type ServiceConfig, Status } from 'unshard/grpc'
import { grpcFixture, SERVICE } from './fixture.js'

const fixture = grpcFixture()
const text = (value: string): Buffer => Buffer.from(value)
const PREVIOUS = 'grpc-previous-rpc-attempts'
const POLICY = {
  maxAttempts: 3,
  initialBackoff: '0.001s',
  maxBackoff: '0.01s',
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE'],
}

/** What the server does with each attempt of a call. */
interface Script {
  /** Number of attempts that fail. */
  readonly failures: number
  /** Of the failures. */
  readonly pushback?: string
  /** Whether the fields of a response come before its failure. */
  readonly begins?: boolean
}

interface Started {
  readonly grpc: GrpcClient
  /** The value of `grpc-previous-rpc-attempts` of each attempt. */
  readonly previous: (string | undefined)[]
}

async function start(script: Script, config: ServiceConfig = {}, options: Partial<GrpcClientOptions> = {}): Promise<Started> {
  const previous: (string | undefined)[] = []
  /** Returns the failure of an attempt, if it is one that fails. */
  const failureOf = (metadata: Metadata): object | undefined => {
    previous.push(metadata.get(PREVIOUS)[0] as string | undefined)
    if (previous.length > script.failures) return undefined
    const trailing = new Metadata()
    if (script.pushback !== undefined) trailing.set('grpc-retry-pushback-ms', script.pushback)
    return { code: status.UNAVAILABLE, details: `failure ${previous.length}`, metadata: trailing }
  }
  const server = await fixture.grpcServer({
    unary(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
      const failure = failureOf(call.metadata)
      if (script.begins === true) call.sendMetadata(new Metadata())
      if (failure === undefined) done(null, call.request)
      else done(failure)
    },
    serverStream(call: ServerWritableStream<Buffer, Buffer>) {
      const failure = failureOf(call.metadata)
      if (script.begins === true) call.sendMetadata(new Metadata())
      if (failure !== undefined) return void call.emit('error', failure)
      call.write(text('one'))
      call.write(call.request)
      call.end()
    },
  })
  const serviceConfig = { methodConfig: [{ name: [{}], retryPolicy: POLICY }], ...config }
  const grpc = grpcClient(fixture.client(), { baseUrl: `https://a.test.example:${server.port}`, serviceConfig, ...options })
  return { grpc, previous }
}

async function all(stream: AsyncIterable<Buffer>): Promise<string[]> {
  const received: string[] = []
  for await (const message of stream) received.push(String(message))
  return received
}

/** Calls a method, and returns the text of its last message. */
type Call = (grpc: GrpcClient, signal?: AbortSignal) => Promise<string | undefined>
const KINDS: [string, Call][] = [
  ['unary', async (grpc, signal) => String((await grpc.unary(SERVICE.unary, text('x'), { ...(signal && { signal }) })).response)],
  [
    'server stream',
    async (grpc, signal) => (await all(grpc.serverStream(SERVICE.serverStream, text('x'), { ...(signal && { signal }) }))).at(-1),
  ],
]
const failed = (promise: Promise<unknown>): Promise<GrpcError> =>
  promise.then(
    () => undefined as never,
    (error) => error,
  )

describe.each(KINDS)('a call: %s', (_kind, call) => {
  it('each retry says how many attempts came before it', async () => {
    const { grpc, previous } = await start({ failures: 2 })
    expect(await call(grpc)).toBe('x')
    expect(previous).toEqual([undefined, '1', '2'])
  })

  it('compressed messages are sent again too', async () => {
    const { grpc, previous } = await start({ failures: 1 }, {}, { compression: 'gzip' })
    expect(await call(grpc)).toBe('x')
    expect(previous).toEqual([undefined, '1'])
  })

  it('the last of the attempts decides', async () => {
    const { grpc, previous } = await start({ failures: 9 })
    expect(await failed(call(grpc))).toMatchObject({ status: Status.UNAVAILABLE, details: 'failure 3' })
    expect(previous).toHaveLength(3)
  })

  it('there is no retry once a response has begun', async () => {
    const { grpc, previous } = await start({ failures: 1, begins: true })
    expect(await failed(call(grpc))).toMatchObject({ status: Status.UNAVAILABLE, details: 'failure 1' })
    expect(previous).toEqual([undefined])
  })

  it('the server sets the pause before a retry', async () => {
    const slow = { ...POLICY, initialBackoff: '60s', maxBackoff: '60s' }
    const { grpc, previous } = await start({ failures: 2, pushback: '1' }, { methodConfig: [{ name: [{}], retryPolicy: slow }] })
    expect(await call(grpc)).toBe('x')
    expect(previous).toHaveLength(3)
  })

  it.each(['-1', 'never', '', '01', '2147483648'])('grpc-retry-pushback-ms of %j forbids a retry', async (pushback) => {
    const { grpc, previous } = await start({ failures: 1, pushback })
    expect(await failed(call(grpc))).toMatchObject({ details: 'failure 1' })
    expect(previous).toHaveLength(1)
  })

  it('an abort ends the pause before a retry with its reason', async () => {
    const { grpc, previous } = await start({ failures: 1, pushback: '60000' })
    const controller = new AbortController()
    const waiting = failed(call(grpc, controller.signal))
    while (previous.length === 0) await new Promise(setImmediate)
    const reason = new Error('the reason')
    controller.abort(reason)
    expect(await waiting).toBe(reason)
  })

  it('there is no retry after the deadline', async () => {
    const { grpc } = await start({ failures: 1, pushback: '60000' }, {}, { timeoutMs: 10_000 })
    expect(await failed(call(grpc))).toMatchObject({ status: Status.UNAVAILABLE, details: 'failure 1' })
  })

  it('there are no retries while half of the tokens are spent, until calls succeed', async () => {
    const { grpc, previous } = await start({ failures: 3 }, { retryThrottling: { maxTokens: 4, tokenRatio: 1 } })
    // From 4 tokens to 2, and to 1.
    expect(await failed(call(grpc))).toMatchObject({ details: 'failure 2' })
    expect(await failed(call(grpc))).toMatchObject({ details: 'failure 3' })
    for (let i = 0; i < 3; i++) expect(await call(grpc)).toBe('x')
    expect(previous).toEqual([undefined, '1', undefined, undefined, undefined, undefined])
  })
})

it('the metadata of a response says how many attempts came before it', async () => {
  const { grpc } = await start({ failures: 2 })
  expect((await grpc.unary(SERVICE.unary, text('x'))).metadata.get(PREVIOUS)).toBe('2')
  expect((await grpc.unary(SERVICE.unary, text('x'))).metadata.get(PREVIOUS)).toBeUndefined()
  const other = await start({ failures: 1 })
  const stream = other.grpc.serverStream(SERVICE.serverStream, text('x'))
  expect(await all(stream)).toEqual(['one', 'x'])
  expect((await stream.metadata).get(PREVIOUS)).toBe('1')
})

it('a reader that leaves ends the pause before a retry', async () => {
  const { grpc, previous } = await start({ failures: 1, pushback: '60000' })
  const stream = grpc.serverStream(SERVICE.serverStream, text('x'))
  const next = stream.next()
  while (previous.length === 0) await new Promise(setImmediate)
  await stream.return()
  expect(await next).toEqual({ done: true, value: undefined })
  expect(await stream.next()).toEqual({ done: true, value: undefined })
  await expect(stream.trailers).rejects.toBeInstanceOf(GrpcError)
})
