/** Options of a client: which values are accepted, and what they change. */

import { once } from 'node:events'
import { FakeClock } from '@unshard/testkit'
import { Client, type ClientOptions, sameOrigin } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const fixture = clientFixture()
const { client: createClient, server } = fixture

describe('http: origins', () => {
  it('use HTTP/1.1', async () => {
    const { port } = await server({ tls: undefined as never, protocols: ['http/1.1'] })
    const response = await createClient().request({ url: `http://127.0.0.1:${port}/` })
    expect(response.connection).toMatchObject({ protocol: 'http/1.1', coalesced: false })
    expect(await response.text()).toMatch(/^hello/)
  })

  it('may use HTTP/2 with prior knowledge (RFC 9113 §3.3)', async () => {
    const origin = await server({ tls: undefined as never, protocols: ['h2'] })
    const client = createClient({ cleartextProtocol: 'h2' })
    const answers = Array.from({ length: 20 }, () =>
      client.request({ url: `http://127.0.0.1:${origin.port}/`, method: 'POST', body: 'x' }),
    )
    for (const response of await Promise.all(answers)) {
      expect(response.connection.protocol).toBe('h2')
      await response.text()
    }
    expect(origin.connections).toBe(1)
  })
})

describe('protocols', () => {
  it('with only http/1.1 that protocol is negotiated', async () => {
    const { port } = await server()
    const response = await createClient({ protocols: ['http/1.1'] }).request({ url: `https://a.test.example:${port}/` })
    expect(response.connection.protocol).toBe('http/1.1')
    await response.text()
  })

  it('with only h2 a request to a server without it fails', async () => {
    const { port } = await server({ protocols: ['http/1.1'] })
    await expect(createClient({ protocols: ['h2'] }).request({ url: `https://a.test.example:${port}/` })).rejects.toMatchObject({
      name: 'ConnectError',
    })
  })
})

it('a client is closed at the end of `await using`', async () => {
  const { port } = await server()
  const client = createClient()
  await (await client.request({ url: `https://a.test.example:${port}/` })).text()
  await client[Symbol.asyncDispose]()
  expect(client.stats().connections).toEqual([])
})

it('ping measures a round trip', async () => {
  const { port } = await server()
  const client = createClient()
  const origin = `https://a.test.example:${port}`
  await expect(client.ping(origin)).rejects.toMatchObject({ code: 'ERR_NOT_CONNECTED' })
  await (await client.request({ url: `${origin}/` })).text()
  expect(await client.ping(origin)).toBeGreaterThan(0)
})

it('a request larger than the limit of the peer is refused locally, and its connection stays open (RFC 9113 §6.5.2)', async () => {
  const { port } = await server({ settings: { maxHeaderListSize: 1_000 } })
  const client = createClient()
  const url = `https://a.test.example:${port}/`
  await (await client.request({ url })).text()
  const failing = client.request({ url, headers: { 'x-long': 'x'.repeat(1_000) } })
  await expect(failing).rejects.toMatchObject({ code: 'ERR_REQUEST_FIELDS_TOO_LARGE', processed: 'no' })
  expect((await client.request({ url })).status).toBe(200)
  expect(client.stats().totals.dials).toBe(1)
})

describe('an invalid option is refused', () => {
  it.each<[ClientOptions, string, string]>([
    [{ timeoutz: {} } as never, 'ERR_UNKNOWN_OPTION', '"timeoutz"'],
    [{ tls: { socket: 'x' } } as never, 'ERR_UNKNOWN_OPTION', '"tls.socket"'],
    [{ timeouts: { lunch: 1 } } as never, 'ERR_UNKNOWN_OPTION', '"timeouts.lunch"'],
    [{ timeouts: { total: -1 } }, 'ERR_INVALID_OPTION', 'timeouts.total'],
    [{ timeouts: { total: 1.5 } }, 'ERR_INVALID_OPTION', 'timeouts.total'],
    [{ maxConnectionsPerOrigin: { h3: 1 } } as never, 'ERR_UNKNOWN_OPTION', '"maxConnectionsPerOrigin.h3"'],
    [{ maxConnectionsPerOrigin: { h2: 0 } }, 'ERR_INVALID_OPTION', 'maxConnectionsPerOrigin.h2'],
    [{ protocols: [] }, 'ERR_INVALID_OPTION', 'protocols'],
    [{ protocols: ['spdy/3'] } as never, 'ERR_INVALID_OPTION', 'spdy/3'],
    [{ cleartextProtocol: 'h3' } as never, 'ERR_INVALID_OPTION', 'cleartextProtocol'],
    [{ localAddress: 'localhost' }, 'ERR_INVALID_OPTION', 'localAddress'],
    [{ localAddress: 7 } as never, 'ERR_INVALID_OPTION', 'localAddress'],
    [{ localPort: 0 }, 'ERR_INVALID_OPTION', 'localPort'],
    [{ localPort: 65_536 }, 'ERR_INVALID_OPTION', 'localPort'],
    [{ streamWindowBytes: 1_000 }, 'ERR_INVALID_OPTION', 'streamWindowBytes'],
    [{ connectionWindowBytes: 2 ** 31 }, 'ERR_INVALID_OPTION', 'connectionWindowBytes'],
  ])('%j', (options, code, name) => {
    expect(() => new Client(options)).toThrow(
      expect.objectContaining({ name: 'UsageError', code, message: expect.stringContaining(name) }),
    )
  })

  it('but all valid options are accepted', () => {
    const options: ClientOptions = {
      reuse: sameOrigin(),
      timeouts: { total: 0 },
      protocols: ['h2'],
      lookupTtlMs: 0,
      windowBudgetBytes: 0,
    }
    expect(() => new Client(options)).not.toThrow()
  })
})

describe('abort signals', () => {
  it('a thousand requests with one signal add one listener', async () => {
    const { port, delivered } = await server()
    const client = createClient()
    const abort = new AbortController()
    let listeners = 0
    const { addEventListener } = abort.signal
    abort.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++
      addEventListener.apply(abort.signal, args)
    }
    const url = `https://a.test.example:${port}/never`
    const requests = Array.from({ length: 1_000 }, () =>
      client.request({ url, signal: abort.signal }).catch((error: unknown) => error),
    )
    await delivered(1)
    abort.abort('all of them')
    expect(new Set(await Promise.all(requests))).toEqual(new Set(['all of them']))
    expect(listeners).toBe(1)
  })
})

it('a second connection to an HTTP/2 origin is dialed if two are allowed and one is full', async () => {
  const origin = await server({ settings: { maxConcurrentStreams: 1 }, protocols: ['h2'] })
  const client = createClient({ maxConnectionsPerOrigin: { h2: 2 } })
  const url = `https://a.test.example:${origin.port}/`
  await (await client.request({ url })).text()
  const answers = await Promise.all(Array.from({ length: 10 }, async () => (await client.request({ url })).text()))
  expect(new Set(answers).size).toBe(1)
  expect(origin.connections).toBe(2)
})

it('a checkServerIdentity that throws refuses only its connection', async () => {
  const { port } = await server()
  const checkServerIdentity = (): never => {
    throw new RangeError('cannot say')
  }
  const failing = createClient({ tls: { rejectUnauthorized: true, checkServerIdentity, ca: fixture.authority.ca } }).request({
    url: `https://a.test.example:${port}/`,
  })
  await expect(failing).rejects.toMatchObject({ phase: 'tls', cause: { message: 'cannot say' } })
})

it('TLS options that OpenSSL rejects cause a UsageError', async () => {
  const { port } = await server()
  const cert = '-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----'
  await expect(createClient({ tls: { cert } }).request({ url: `https://a.test.example:${port}/` })).rejects.toMatchObject({
    name: 'UsageError',
    code: 'ERR_INVALID_OPTION',
    message: expect.stringContaining('tls'),
  })
})

it.each(['close', 'destroy'] as const)('%s() leaves no timer behind', async (method) => {
  const origin = await server({ protocols: ['h2'] })
  const clock = new FakeClock()
  const client = createClient({ clock })
  await (await client.request({ url: `https://a.test.example:${origin.port}/` })).text()
  const [serverSession] = origin.sessions
  const closed = once(serverSession!, 'close')
  await client[method]()
  await closed
  // The client's socket closes within a turn of the server's.
  await new Promise((resolve) => setImmediate(resolve))
  expect(clock.pending).toBe(0)
})
