/** Coalescing end to end: real servers and certificates, and what the servers observed. */

import {
  externalServers,
  FakeClock,
  type OriginServer,
  type OriginServerOptions,
  SMALL_TEXT,
  startOriginServer,
  startTcpProxy,
  staticLookup,
} from '@unshard/testkit'
import { type Client, sameOrigin } from '../../src/index.js'
import { testEnvironment } from '../environment.js'

const environment = testEnvironment()
const shards = Array.from({ length: 12 }, (_, i) => `s${i}.test.example`)
const everyHost = (address: string): Record<string, string> => Object.fromEntries(shards.map((host) => [host, address]))

async function server(options: OriginServerOptions & { names?: string[] } = {}): Promise<OriginServer> {
  const { names = ['*.test.example'], ...rest } = options
  const started = await startOriginServer({ tls: await environment.authority.issue({ names }), ...rest })
  environment.defer(() => started.close())
  return started
}

/**
 * Burst clients have a stopped clock: on a busy machine a slow handshake must not exceed a
 * deadline.
 */
async function burst(client: Client, port: number, path: string, hosts = shards): Promise<string[]> {
  const urls = hosts.flatMap((host) => Array.from({ length: 10 }, () => `https://${host}:${port}${path}`))
  return Promise.all(urls.map(async (url) => (await client.request({ url })).text()))
}

describe.each(Object.keys(externalServers) as (keyof typeof externalServers)[])('12 hosts × 10 cold requests to %s', (name) => {
  it('use one connection and get 120 correct responses', async () => {
    const started = await externalServers[name]({ tls: await environment.authority.issue({ names: ['*.test.example'] }) })
    if (started === undefined) return console.warn(`${name} is not installed: this test cannot run`)
    environment.defer(() => started.stop())
    const client = environment.client({ lookup: staticLookup(everyHost('127.0.0.1')), clock: new FakeClock() })
    expect(await burst(client, started.port, '/small.txt')).toEqual(Array(120).fill(SMALL_TEXT))
    expect(client.stats()).toMatchObject({ totals: { dials: 1, handshakes: 1, requests: 120, coalesced: 110, replayed: 0 } })
    expect(client.stats().connections).toHaveLength(1)
  })
})

describe('a cold burst', () => {
  it('12 hosts × 10 requests: one connection as counted by the server, and each response is for its own host', async () => {
    const origin = await server({ handler: (request, response) => response.end(request.headers[':authority']) })
    const client = environment.client({ lookup: staticLookup(everyHost('127.0.0.1')), clock: new FakeClock() })
    const answers = await burst(client, origin.port, '/')
    expect(answers).toEqual(shards.flatMap((host) => Array(10).fill(`${host}:${origin.port}`)))
    expect(origin).toMatchObject({ connections: 1, handshakes: 1 })
  })

  it('the same with a slow handshake: the others wait for it', async () => {
    const origin = await server()
    const proxy = await startTcpProxy(origin.port, { delayMs: 40 })
    environment.defer(() => proxy.close())
    const client = environment.client({ lookup: staticLookup(everyHost('127.0.0.1')), clock: new FakeClock() })
    await burst(client, proxy.port, '/')
    expect(origin.handshakes).toBe(1)
  })

  it('sameOrigin() disables sharing: twelve connections', async () => {
    const origin = await server()
    const client = environment.client({ lookup: staticLookup(everyHost('127.0.0.1')), reuse: sameOrigin() })
    await burst(client, origin.port, '/')
    expect(origin.connections).toBe(12)
  })
})

describe('hosts that cannot share', () => {
  const lookup = staticLookup({ ...everyHost('127.0.0.1'), 'other.example': '127.0.0.1', 'elsewhere.test.example': '127.0.0.2' })

  async function because(client: Client, url: string, isolation?: string): Promise<string> {
    const response = await client.request({ url, ...(isolation === undefined ? {} : { isolation }) })
    await response.text()
    expect(response.connection.coalesced).toBe(response.connection.because === 'address-and-certificate')
    return response.connection.because
  }

  it('each is refused with its reason', async () => {
    const own = await environment.authority.issue({ names: ['other.example'] })
    const origin = await server({ sni: { 'other.example': own } })
    const elsewhere = await server({ address: '127.0.0.2', port: origin.port })
    const client = environment.client({ lookup })
    expect(await because(client, `https://s0.test.example:${origin.port}/`)).toBe('first-connection')
    expect(await because(client, `https://s1.test.example:${origin.port}/`)).toBe('address-and-certificate')
    expect(await because(client, `https://other.example:${origin.port}/`)).toBe('certificate-does-not-cover-host')
    expect(await because(client, `https://elsewhere.test.example:${origin.port}/`)).toBe('address-differs')
    expect(await because(client, `https://s2.test.example:${origin.port}/`, 'tenant')).toBe('options-differ')
    expect(elsewhere.connections).toBe(1)
  })

  it('HTTP/1.1 is never shared', async () => {
    const origin = await server({ protocols: ['http/1.1'] })
    const client = environment.client({ lookup })
    expect(await because(client, `https://s0.test.example:${origin.port}/`)).toBe('first-connection')
    expect(await because(client, `https://s1.test.example:${origin.port}/`)).toBe('not-h2')
    expect(origin.connections).toBe(2)
  })

  it('a connection with a client certificate is used for one host only', async () => {
    const origin = await server()
    const { cert, key } = await environment.authority.issue({ names: ['me.example'], clientAuth: true })
    const client = environment.client({ lookup, tls: { ca: environment.authority.ca, cert, key } })
    await because(client, `https://s0.test.example:${origin.port}/`)
    expect(await because(client, `https://s1.test.example:${origin.port}/`)).toBe('client-certificate')
  })

  it('a connection whose certificate was not verified is not shared', async () => {
    const origin = await server()
    const client = environment.client({ lookup, tls: { rejectUnauthorized: false } })
    await because(client, `https://s0.test.example:${origin.port}/`)
    expect(await because(client, `https://s1.test.example:${origin.port}/`)).toBe('unauthorized')
  })

  it('the client’s own check is called again for the new host', async () => {
    const origin = await server()
    const asked: string[] = []
    const checkServerIdentity = (host: string): Error | undefined => {
      asked.push(host)
      return host === 's1.test.example' && asked.length < 4 ? new Error('not this one') : undefined
    }
    const client = environment.client({ lookup, tls: { ca: environment.authority.ca, checkServerIdentity } })
    await because(client, `https://s0.test.example:${origin.port}/`)
    await expect(because(client, `https://s1.test.example:${origin.port}/`)).rejects.toMatchObject({ phase: 'tls' })
    expect(asked).toEqual(['s0.test.example', 's1.test.example', 's1.test.example'])
  })

  it('ORIGIN narrows: a host that the server does not list gets a dedicated connection (RFC 8336 §2.4)', async () => {
    const origin = await server({ origins: (port: number) => [`https://s1.test.example:${port}`] })
    const client = environment.client({ lookup })
    await because(client, `https://s0.test.example:${origin.port}/`)
    expect(await because(client, `https://s1.test.example:${origin.port}/`)).toBe('address-and-certificate')
    expect(await because(client, `https://s2.test.example:${origin.port}/`)).toBe('not-in-origin-set')
  })
})

describe('421 Misdirected Request (RFC 9110 §15.5.20)', () => {
  const lookup = staticLookup(everyHost('127.0.0.1'))
  /** A server that answers for a host only on a connection with its SNI. */
  const strict = (): Promise<OriginServer> =>
    server({
      handler: (request, response) => {
        const { servername } = request.socket as { servername?: string }
        const host = String(request.headers[':authority']).replace(/:\d+$/, '')
        response.writeHead(servername === host ? 200 : 421).end(request.method)
      },
    })

  it('is retried once on a dedicated connection, including a POST, and remembered', async () => {
    const origin = await strict()
    const client = environment.client({ lookup })
    const send = (host: string) => client.request({ url: `https://${host}:${origin.port}/`, method: 'POST', body: 'x' })
    const first = await send('s0.test.example')
    const second = await send('s1.test.example')
    const third = await send('s1.test.example')
    for (const response of [first, second, third]) expect([response.status, await response.text()]).toEqual([200, 'POST'])
    expect(second.connection).toMatchObject({ coalesced: false, because: 'misdirected-before' })
    expect(third.connection.id).toBe(second.connection.id)
    expect(origin.requests).toHaveLength(4)
    expect(origin.connections).toBe(2)
    expect((await send('s0.test.example')).connection.id).toBe(first.connection.id)
  })

  it('with a streamed body, which cannot be sent again, the 421 is returned', async () => {
    const origin = await strict()
    const client = environment.client({ lookup })
    await (await client.request({ url: `https://s0.test.example:${origin.port}/` })).text()
    const body = (async function* () {
      // More than is buffered for a retry.
      yield 'x'.repeat(20_000)
    })()
    const response = await client.request({ url: `https://s1.test.example:${origin.port}/`, method: 'POST', body })
    expect(response.status).toBe(421)
    await response.text()
  })

  it('on a dedicated connection it is returned', async () => {
    const origin = await server()
    const response = await environment.client({ lookup }).request({ url: `https://s0.test.example:${origin.port}/misdirected` })
    expect(response.status).toBe(421)
    await response.text()
    expect(origin.requests).toHaveLength(1)
  })
})

it('sharing survives TLS resumption: the certificate of the first handshake is stored with the ticket', async () => {
  const origin = await server()
  const client = environment.client({ lookup: staticLookup(everyHost('127.0.0.1')), idleTimeoutMs: 1 })
  const get = async (host: string) => {
    const response = await client.request({ url: `https://${host}:${origin.port}/` })
    await response.text()
    return response.connection
  }
  await get('s0.test.example')
  await until(() => client.stats().connections.length === 0)
  const again = await get('s0.test.example')
  expect(again.coalesced).toBe(false)
  expect(origin.connections).toBe(2)
  expect(await get('s1.test.example')).toMatchObject({ id: again.id, coalesced: true })
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
