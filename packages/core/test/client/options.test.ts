import { once } from 'node:events'
import { FakeClock } from '@unshard/testkit'
import { Client, type ClientOptions, sameOrigin } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const world = clientFixture()
const { client, server } = world

describe('http: origins', () => {
  it('speak HTTP/1.1', async () => {
    const { port } = await server({ tls: undefined as never, protocols: ['http/1.1'] })
    const response = await client().request({ url: `http://127.0.0.1:${port}/` })
    expect(response.connection).toMatchObject({ protocol: 'http/1.1', coalesced: false })
    expect(await response.text()).toMatch(/^hello/)
  })

  it('may use HTTP/2 with prior knowledge (RFC 9113 §3.3)', async () => {
    const origin = await server({ tls: undefined as never, protocols: ['h2'] })
    const one = client({ cleartextProtocol: 'h2' })
    const answers = Array.from({ length: 20 }, () =>
      one.request({ url: `http://127.0.0.1:${origin.port}/`, method: 'POST', body: 'x' }),
    )
    for (const response of await Promise.all(answers)) {
      expect(response.connection.protocol).toBe('h2')
      await response.text()
    }
    expect(origin.connections).toBe(1)
  })
})

describe('protocols', () => {
  it('only http/1.1 is offered, and the server accepts it', async () => {
    const { port } = await server()
    const response = await client({ protocols: ['http/1.1'] }).request({ url: `https://a.test.example:${port}/` })
    expect(response.connection.protocol).toBe('http/1.1')
    await response.text()
  })

  it('only h2 is offered, and the server does not support it', async () => {
    const { port } = await server({ protocols: ['http/1.1'] })
    await expect(client({ protocols: ['h2'] }).request({ url: `https://a.test.example:${port}/` })).rejects.toMatchObject({
      name: 'ConnectError',
    })
  })
})

it('a client closes at the end of `await using`', async () => {
  const { port } = await server()
  const one = client()
  await (await one.request({ url: `https://a.test.example:${port}/` })).text()
  await one[Symbol.asyncDispose]()
  expect(one.stats().connections).toEqual([])
})

it('measures a round trip', async () => {
  const { port } = await server()
  const one = client()
  const origin = `https://a.test.example:${port}`
  await expect(one.ping(origin)).rejects.toMatchObject({ code: 'ERR_NOT_CONNECTED' })
  await (await one.request({ url: `${origin}/` })).text()
  expect(await one.ping(origin)).toBeGreaterThan(0)
})

it("a request larger than the peer's limit is refused locally, and the connection stays open (RFC 9113 §6.5.2)", async () => {
  const { port } = await server({ settings: { maxHeaderListSize: 1_000 } })
  const one = client()
  const url = `https://a.test.example:${port}/`
  await (await one.request({ url })).text()
  const failing = one.request({ url, headers: { 'x-long': 'x'.repeat(1_000) } })
  await expect(failing).rejects.toMatchObject({ code: 'ERR_REQUEST_FIELDS_TOO_LARGE', processed: 'no' })
  expect((await one.request({ url })).status).toBe(200)
  expect(one.stats().totals.dials).toBe(1)
})

describe('options are checked', () => {
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
  ])('%j', (options, code, named) => {
    expect(() => new Client(options)).toThrow(
      expect.objectContaining({ name: 'UsageError', code, message: expect.stringContaining(named) }),
    )
  })

  it('all valid options are accepted', () => {
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
    const one = client()
    const abort = new AbortController()
    let listeners = 0
    const { addEventListener } = abort.signal
    abort.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++
      addEventListener.apply(abort.signal, args)
    }
    const url = `https://a.test.example:${port}/never`
    const requests = Array.from({ length: 1_000 }, () =>
      one.request({ url, signal: abort.signal }).catch((error: unknown) => error),
    )
    await delivered(1)
    abort.abort('all of them')
    expect(new Set(await Promise.all(requests))).toEqual(new Set(['all of them']))
    expect(listeners).toBe(1)
  })
})

it('a second connection to an HTTP/2 origin is dialed if two are allowed and one is full', async () => {
  const origin = await server({ settings: { maxConcurrentStreams: 1 }, protocols: ['h2'] })
  const one = client({ maxConnectionsPerOrigin: { h2: 2 } })
  const url = `https://a.test.example:${origin.port}/`
  await (await one.request({ url })).text()
  const answers = await Promise.all(Array.from({ length: 10 }, async () => (await one.request({ url })).text()))
  expect(new Set(answers).size).toBe(1)
  expect(origin.connections).toBe(2)
})

it('a checkServerIdentity that throws refuses the connection, and nothing else', async () => {
  const { port } = await server()
  const checkServerIdentity = (): never => {
    throw new RangeError('cannot say')
  }
  const failing = client({ tls: { rejectUnauthorized: true, checkServerIdentity, ca: world.authority.ca } }).request({
    url: `https://a.test.example:${port}/`,
  })
  await expect(failing).rejects.toMatchObject({ phase: 'tls', cause: { message: 'cannot say' } })
})

it('TLS options that OpenSSL rejects cause a UsageError', async () => {
  const { port } = await server()
  const cert = '-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----'
  await expect(client({ tls: { cert } }).request({ url: `https://a.test.example:${port}/` })).rejects.toMatchObject({
    name: 'UsageError',
    code: 'ERR_INVALID_OPTION',
    message: expect.stringContaining('tls'),
  })
})

it.each(['close', 'destroy'] as const)('after %s() no timer is left behind', async (end) => {
  const origin = await server({ protocols: ['h2'] })
  const clock = new FakeClock()
  const one = client({ clock })
  await (await one.request({ url: `https://a.test.example:${origin.port}/` })).text()
  const [session] = origin.sessions
  const gone = once(session!, 'close')
  await one[end]()
  await gone
  // The client's socket closes within a turn of the server's.
  await new Promise((resolve) => setImmediate(resolve))
  expect(clock.pending).toBe(0)
})
