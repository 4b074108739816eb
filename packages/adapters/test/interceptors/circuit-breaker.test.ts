/** `circuitBreaker()`: what counts as a failure, what an open circuit does, and what happens to the responses. */

import { ConnectionError, HttpResponse } from '@unshard/core'
import type { MockHandler } from '@unshard/core/testing'
import * as cockatiel from 'cockatiel'
import { circuitBreaker, type ExecutingPolicy } from '../../src/interceptors/index.js'
import { testEnvironment } from '../environment.js'
import { counted, once, turns, URL_ } from './fixture.js'

const environment = testEnvironment()

/** A circuit that opens after two failures in a row. */
const breaker = () =>
  cockatiel.circuitBreaker(cockatiel.handleAll, { halfOpenAfter: 1_000_000, breaker: new cockatiel.ConsecutiveBreaker(2) })

const broken: MockHandler = () => ({ status: 500, body: 'broken' })

it('failed responses are returned, and open the circuit', async () => {
  const { port } = await environment.server()
  const client = environment.client({ interceptors: [circuitBreaker(breaker())] })
  const url = `https://a.test.example:${port}/status/503`
  for (let i = 0; i < 2; i++) {
    const response = await client.request({ url })
    expect([response.status, await response.text()]).toEqual([503, 'status 503'])
  }
  const requests = client.stats().totals.requests
  const error = await client.request({ url }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ConnectionError)
  expect(error).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', processed: 'no', origin: `https://a.test.example:${port}` })
  expect((error as Error).cause).toBeInstanceOf(cockatiel.BrokenCircuitError)
  expect(client.stats().totals.requests).toBe(requests)
})

it('errors count, and are those of the request', async () => {
  const { client } = counted([circuitBreaker(breaker())], () => Promise.reject(new Error('own')))
  for (let i = 0; i < 2; i++) await expect(client.request({ url: URL_ })).rejects.toMatchObject({ code: 'ERR_MOCK_HANDLER' })
  await expect(client.request({ url: URL_ })).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
})

it('a function makes a circuit for each origin', async () => {
  const origins: string[] = []
  const policyOf = (origin: string): ExecutingPolicy => {
    origins.push(origin)
    return breaker()
  }
  const { client } = counted([circuitBreaker(policyOf)], broken)
  for (let i = 0; i < 2; i++) await client.request({ url: URL_ })
  await expect(client.request({ url: URL_ })).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
  expect((await client.request({ url: 'https://b.test.example/' })).status).toBe(500)
  expect(origins).toEqual(['https://a.test.example', 'https://b.test.example'])
})

it('a circuit that is held open rejects as well', async () => {
  const policy = breaker()
  policy.isolate()
  const mocked = counted([circuitBreaker(policy)], broken)
  await expect(mocked.client.request({ url: URL_ })).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
  expect(mocked.calls).toBe(0)
})

describe('not a failure is', () => {
  it.each([200, 404, 429])('a status of %i', async (status) => {
    const { client } = counted([circuitBreaker(breaker())], () => ({ status }))
    for (let i = 0; i < 4; i++) expect((await client.request({ url: URL_ })).status).toBe(status)
  })

  it('a response that isFailure accepts', async () => {
    const isFailure = ({ headers }: HttpResponse): boolean => headers.has('x-failed')
    let failed = false
    const { client } = counted([circuitBreaker(breaker(), { isFailure })], () => ({
      status: 500,
      headers: failed ? { 'x-failed': '1' } : {},
    }))
    for (let i = 0; i < 3; i++) await client.request({ url: URL_ })
    failed = true
    for (let i = 0; i < 2; i++) await client.request({ url: URL_ })
    await expect(client.request({ url: URL_ })).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
  })

  it('an abort', async () => {
    let answer = false
    const { client } = counted([circuitBreaker(breaker())], () => (answer ? {} : new Promise(() => undefined)))
    for (let i = 0; i < 3; i++) {
      const controller = new AbortController()
      const response = client.request({ url: URL_, signal: controller.signal })
      response.catch(() => undefined)
      await turns()
      controller.abort(new Error('left'))
      await expect(response).rejects.toThrow('left')
    }
    answer = true
    expect((await client.request({ url: URL_ })).status).toBe(200)
  })

  it('an invalid request', async () => {
    const { client } = counted([circuitBreaker(breaker()), (request, next) => next(request.with({ method: 'G T' }))], broken)
    for (let i = 0; i < 3; i++) await expect(client.request({ url: URL_ })).rejects.toMatchObject({ code: 'ERR_INVALID_METHOD' })
  })
})

it('an error of isFailure rejects the request, and its response is discarded', async () => {
  const isFailure = (): boolean => {
    throw new Error('own')
  }
  const { client, connections } = counted([circuitBreaker(breaker(), { isFailure })], () => ({
    body: new ReadableStream<Uint8Array>(),
  }))
  await expect(client.request({ url: URL_ })).rejects.toThrow('own')
  expect(connections[0]!.active).toBe(0)
})

describe('a policy that sends again', () => {
  const retrying = (attempts: number): ExecutingPolicy =>
    cockatiel.wrap(
      cockatiel.retry(cockatiel.handleAll, {
        maxAttempts: attempts,
        backoff: new cockatiel.ConstantBackoff(0),
      }),
      breaker(),
    )

  it('gets the next response, and the failed ones are discarded', async () => {
    const mocked = counted([circuitBreaker(retrying(2))], () =>
      mocked.calls === 1 ? { status: 500, body: new ReadableStream<Uint8Array>() } : { body: 'done' },
    )
    expect(await (await mocked.client.request({ url: URL_ })).text()).toBe('done')
    expect([mocked.calls, mocked.connections[0]!.active]).toEqual([2, 0])
  })

  it('does not send a body again that can be read once', async () => {
    const mocked = counted([circuitBreaker(retrying(1))], broken)
    const response = await mocked.client.request({ url: URL_, method: 'PUT', body: once() })
    expect([response.status, await response.text(), mocked.calls]).toEqual([500, 'broken', 1])
  })

  it('and opens on the way, rejects with an unknown outcome', async () => {
    const mocked = counted([circuitBreaker(retrying(5))], () => ({ status: 500, body: new ReadableStream<Uint8Array>() }))
    await expect(mocked.client.request({ url: URL_ })).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN', processed: 'unknown' })
    expect([mocked.calls, mocked.connections[0]!.active]).toEqual([2, 0])
  })
})

it('a policy may answer by itself, and the failed response is discarded', async () => {
  const policy = cockatiel.fallback(cockatiel.handleAll, () => HttpResponse.from({ body: 'instead' }) as never)
  const { client, connections } = counted([circuitBreaker(policy as ExecutingPolicy)], () => ({
    status: 500,
    body: new ReadableStream<Uint8Array>(),
  }))
  expect(await (await client.request({ url: URL_ })).text()).toBe('instead')
  expect(connections[0]!.active).toBe(0)
})

it('a response after the policy gave up is discarded', async () => {
  let answer!: () => void
  const waiting = new Promise<void>((resolve) => {
    answer = resolve
  })
  const policy: ExecutingPolicy = {
    execute: (run) => {
      run().catch(() => undefined)
      return Promise.reject(new Error('gave up'))
    },
  }
  const { client, connections } = counted([circuitBreaker(policy)], async () => {
    await waiting
    return { body: new ReadableStream<Uint8Array>() }
  })
  await expect(client.request({ url: URL_ })).rejects.toThrow('gave up')
  answer()
  await turns()
  expect(connections[0]!.active).toBe(0)
})

it.each<[unknown, unknown, string]>([
  [undefined, undefined, 'ERR_INVALID_OPTION'],
  [{ run: () => 0 }, undefined, 'ERR_INVALID_OPTION'],
  [{ execute: () => 0 }, { isFailure: 500 }, 'ERR_INVALID_OPTION'],
  [{ execute: () => 0 }, { failure: () => true }, 'ERR_UNKNOWN_OPTION'],
])('refuses %j with options %j', (policy, options, code) => {
  expect(() => circuitBreaker(policy as never, options as never)).toThrow(expect.objectContaining({ code }))
})

it('refuses a function that returns no policy, when the origin is asked for', async () => {
  const { client } = counted([circuitBreaker(() => undefined as never)], broken)
  await expect(client.request({ url: URL_ })).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
})
