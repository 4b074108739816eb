/** 421 Misdirected Request (RFC 9110 §15.5.20) from real servers, and statuses treated like it. */

import {
  FakeClock,
  type OriginServer,
  type OriginServerOptions,
  startApache,
  startCaddy,
  startNginx,
  startOriginServer,
  staticLookup,
} from '@unshard/testkit'
import { type Client, coalescing, type HttpResponse } from '../../src/index.js'
import { testEnvironment } from '../environment.js'

const environment = testEnvironment()
const lookup = staticLookup({ 'a.test.example': '127.0.0.1', 'b.test.example': '127.0.0.1', 'c.test.example': '127.0.0.1' })

async function read(response: HttpResponse): Promise<HttpResponse> {
  await response.text()
  return response
}

/** Sends a request to one host of a client. */
const asking =
  (client: Client, port: number) =>
  async (host: string, more: object = {}, path = '/small.txt') =>
    read(await client.request({ url: `https://${host}.test.example:${port}${path}`, ...more }))

describe.each([
  ['nginx, a host that requires client certificates', startNginx],
  ['Apache, a host with other TLS settings', startApache],
  ['Caddy, strict_sni_host', startCaddy],
] as const)('%s', (_what, start) => {
  it('its 421 costs one request: the next connection is dedicated to the host and stays', async () => {
    const tls = await environment.authority.issue({ names: ['*.test.example'] })
    const server = await start({ tls, strictHost: 'b.test.example' })
    if (server === undefined) return
    environment.defer(() => server.stop())
    const client = environment.client({ lookup })
    const get = asking(client, server.port)
    const shared = (await get('a')).connection
    const first = await get('b')
    expect([first.status, first.connection.coalesced, first.connection.because]).toEqual([200, false, 'misdirected-before'])
    expect((await get('b')).connection.id).toBe(first.connection.id)
    expect((await get('a')).connection.id).toBe(shared.id)
    expect(client.stats().totals).toMatchObject({ misdirected: 1, coalesced: 1, replayed: 1, dials: 2 })
  })
})

/** Answers for a host only on a connection with its SNI, otherwise with the given status. */
const strict = (status: number, of = 'b', options: OriginServerOptions = {}): Promise<OriginServer> =>
  bySni((host, servername, answer) => answer(host === of && servername !== `${of}.test.example` ? status : 200), options)

async function bySni(
  decide: (host: string, servername: string, answer: (status: number) => void) => void,
  options: OriginServerOptions = {},
): Promise<OriginServer> {
  const server = await startOriginServer({
    tls: await environment.authority.issue({ names: ['*.test.example'] }),
    ...options,
    handler: (request, response) => {
      const { servername = '' } = request.socket as { servername?: string }
      const [host = ''] = String(request.headers[':authority']).split('.')
      decide(host, servername, (status) => response.writeHead(status).end(`${servername} for ${host}`))
    },
  })
  environment.defer(() => server.close())
  return server
}

it('retried once on a fresh connection, and the shared one stays open (misdirectedRequestResponseCode, K17)', async () => {
  const server = await strict(421)
  const client = environment.client({ lookup })
  const get = asking(client, server.port)
  await get('a')
  expect((await get('b')).status).toBe(200)
  expect(server.connections).toBe(2)
  expect(server.requests.map(({ authority, connectionId }) => [authority[0], connectionId])).toEqual([
    ['a', 1],
    ['b', 1],
    ['b', 2],
  ])
})

it('a 421 on the first, dedicated connection is returned (K72)', async () => {
  const server = await bySni((_host, _servername, answer) => answer(421))
  const client = environment.client({ lookup })
  expect((await asking(client, server.port)('a')).status).toBe(421)
  expect([server.requests.length, client.stats().totals.misdirected]).toEqual([1, 0])
})

it('after two 421s the second is returned, and there is no third request', async () => {
  const server = await bySni((host, _servername, answer) => answer(host === 'b' ? 421 : 200))
  const client = environment.client({ lookup })
  const get = asking(client, server.port)
  await get('a')
  const response = await get('b')
  expect([response.status, response.connection.coalesced]).toEqual([421, false])
  expect(server.requests).toHaveLength(3)
})

it('a replay that another shared connection answers with 421 as well is sent again, while the own connection is full', async () => {
  const tls = await environment.authority.issue({ names: ['*.test.example'] })
  const held: (() => void)[] = []
  const one = await bySni(
    (host, servername, answer) => {
      const status = host === 'b' && servername !== 'b.test.example' ? 421 : 200
      if (host === 'b' && held.length < 2) held.push(() => answer(status))
      else answer(status)
    },
    { tls, settings: { maxConcurrentStreams: 1 } },
  )
  await strict(421, 'b', { tls, address: '127.0.0.2', port: one.port })
  const addresses = {
    'a.test.example': ['127.0.0.1'],
    'b.test.example': ['127.0.0.1', '127.0.0.2'],
    'c.test.example': ['127.0.0.2'],
  }
  const client = environment.client({ lookup: staticLookup(addresses), maxConnectionsPerOrigin: 2 })
  const get = asking(client, one.port)
  const arrived = async (count: number): Promise<void> => {
    while (held.length < count) await new Promise(setImmediate)
  }
  await get('a')
  const shared = get('b')
  await arrived(1)
  const own = get('b')
  own.catch(() => undefined)
  await arrived(2)
  await get('c')
  held[0]!()
  const response = await shared
  expect([response.status, response.connection.coalesced, client.stats().totals.misdirected]).toEqual([200, false, 2])
  held[1]!()
  expect((await own).status).toBe(200)
})

it('with a consumed streaming body the 421 is returned, and the exclusion is remembered (K73)', async () => {
  const server = await strict(421)
  const client = environment.client({ lookup })
  const get = asking(client, server.port)
  await get('a')
  const body = (async function* () {
    yield Buffer.alloc(20_000)
  })()
  expect((await get('b', { method: 'POST', body })).status).toBe(421)
  expect((await get('b', { method: 'POST', body: 'again' })).status).toBe(200)
  expect(server.requests.map(({ connectionId }) => connectionId)).toEqual([1, 1, 2])
})

it('repeated requests to b waste one request every five minutes (K75)', async () => {
  const clock = new FakeClock(1)
  const server = await strict(421)
  const policy = coalescing({ clock: { now: () => Date.now() + clock.now() } })
  for (let i = 0; i < 3; i++) {
    const client = environment.client({ lookup, reuse: policy })
    const get = asking(client, server.port)
    await get('a')
    expect((await get('b')).status).toBe(200)
    await client.close()
  }
  expect(server.requests.filter(({ authority, servername }) => !authority.startsWith(servername!))).toHaveLength(1)
})

it('after five minutes one request probes the connection, and the others wait for the result', async () => {
  const clock = new FakeClock(1)
  let forgiving = false
  const server = await bySni((host, servername, answer) =>
    answer(host !== 'b' || forgiving || servername.startsWith('b') ? 200 : 421),
  )
  const policy = coalescing({ clock: { now: () => Date.now() + clock.now() } })
  const burst = async (): Promise<{ client: Client; responses: HttpResponse[] }> => {
    const client = environment.client({ lookup, reuse: policy })
    const get = asking(client, server.port)
    await get('a')
    return { client, responses: await Promise.all(Array.from({ length: 8 }, () => get('b', { method: 'POST', body: 'x' }))) }
  }
  await (await burst()).client.close()
  clock.advance(300_001)
  const misdirected = (): number =>
    server.requests.filter(({ authority, servername }) => !authority.startsWith(servername!)).length
  const before = misdirected()
  const second = await burst()
  expect(second.responses.map(({ status }) => status)).toEqual(Array(8).fill(200))
  expect(misdirected() - before).toBe(1)
  expect(second.client.stats().totals.misdirected).toBe(1)
  await second.client.close()
  clock.advance(300_001)
  forgiving = true
  const third = await burst()
  expect(third.responses.map(({ connection }) => connection.coalesced)).toEqual(Array(8).fill(true))
  expect(third.client.stats().totals).toMatchObject({ misdirected: 0, dials: 1 })
})

it('the next request takes over an aborted probe: the others do not wait forever', async () => {
  const clock = new FakeClock(1)
  const policy = coalescing({ clock: { now: () => Date.now() + clock.now() } })
  let asked: (() => void) | undefined
  let forgiving = false
  const server = await bySni((host, servername, answer) => {
    if (host === 'b' && asked !== undefined) asked()
    else answer(host !== 'b' || forgiving || servername.startsWith('b') ? 200 : 421)
    asked = undefined
  })
  const first = environment.client({ lookup, reuse: policy })
  await asking(first, server.port)('a')
  await asking(first, server.port)('b')
  await first.close()
  clock.advance(300_001)
  forgiving = true
  const client = environment.client({ lookup, reuse: policy })
  const get = asking(client, server.port)
  await get('a')
  const abort = new AbortController()
  const arrived = new Promise<void>((resolve) => {
    asked = resolve
  })
  const probe = get('b', { signal: abort.signal })
  const siblings = [get('b'), get('b')]
  await arrived
  abort.abort(new Error('given up'))
  await expect(probe).rejects.toThrow('given up')
  expect((await Promise.all(siblings)).map(({ connection }) => connection.coalesced)).toEqual([true, true])
  expect(client.stats().totals).toMatchObject({ misdirected: 0, dials: 1 })
})

describe('a gateway that routes by SNI behind one wildcard certificate and one address', () => {
  const gateway = (): Promise<OriginServer> => strict(404)

  it('that answers 404 like Envoy: with suspectStatuses the right tenant answers the request', async () => {
    const server = await gateway()
    const client = environment.client({ lookup, reuse: coalescing({ suspectStatuses: [404] }) })
    const get = asking(client, server.port)
    await get('a')
    const response = await get('b')
    expect([response.status, response.connection.because]).toEqual([200, 'misdirected-before'])
    expect((await get('b')).connection.id).toBe(response.connection.id)
    expect(server.requests).toHaveLength(4)
  })

  it('only for idempotent requests: a POST gets the 404 and is not sent twice', async () => {
    const server = await gateway()
    const client = environment.client({ lookup, reuse: coalescing({ suspectStatuses: [404] }) })
    const get = asking(client, server.port)
    await get('a')
    expect((await get('b', { method: 'POST', body: 'x' })).status).toBe(404)
    expect(server.requests).toHaveLength(2)
  })

  it('without the option the 404 is returned: nothing marks it as misdirected', async () => {
    const server = await gateway()
    const get = asking(environment.client({ lookup }), server.port)
    await get('a')
    expect((await get('b')).status).toBe(404)
  })

  it('a 404 on a dedicated connection is never suspected', async () => {
    const server = await bySni((_host, _servername, answer) => answer(404))
    const client = environment.client({ lookup, reuse: coalescing({ suspectStatuses: [404] }) })
    expect((await asking(client, server.port)('a')).status).toBe(404)
    expect(server.requests).toHaveLength(1)
  })

  it('that answers 200 with the wrong tenant is kept out by wildcards: declared, or deny', async () => {
    for (const options of [{ wildcards: 'declared' }, { deny: ['*.test.example'] }] as const) {
      const server = await bySni((_host, _servername, answer) => answer(200))
      const client = environment.client({ lookup, reuse: coalescing(options) })
      const texts = await Promise.all(
        ['a', 'b', 'c'].map(async (host) =>
          (await client.request({ url: `https://${host}.test.example:${server.port}/` })).text(),
        ),
      )
      expect(texts).toEqual(['a', 'b', 'c'].map((host) => `${host}.test.example for ${host}`))
      expect(server.connections).toBe(3)
    }
  })

  it('hosts declared by the caller share a connection behind a wildcard', async () => {
    const server = await bySni((_host, _servername, answer) => answer(200))
    const allow = [['a.test.example', 'b.test.example']]
    const client = environment.client({ lookup, reuse: coalescing({ wildcards: 'declared', allow }) })
    const get = asking(client, server.port)
    const ids = [await get('a'), await get('b'), await get('c')].map(({ connection }) => connection.id)
    expect(ids[0]).toBe(ids[1])
    expect(ids[2]).not.toBe(ids[0])
  })
})
