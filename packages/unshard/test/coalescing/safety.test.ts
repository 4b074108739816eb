// What must never be shared, tested with real servers: other options, other names, other times,
// other tenants' requests.
import { FakeClock, type OriginServer, startTcpProxy, startTestProxy } from '@unshard/testkit'
import { type Client, type ClientOptions, coalescing, createFetch, type RequestOptions } from '../../src/index.js'
import { sharingFixture } from './fixture.js'

const NAMES = ['a.example', 'b.example', 'c.example', 'd.example', 'e.example']
const HOSTS = ['a', 'b', 'c', 'd', 'e']
const { ca, client, defer, get, issue, lookup, serving, until } = sharingFixture(
  Object.fromEntries(NAMES.map((name) => [name, '127.0.0.1'])),
)
const at = (host: string, { port }: { port: number }, path = '/'): string => `https://${host}.example:${port}${path}`

describe('each option alone keeps requests apart, in a client that sends both (K86)', () => {
  /**
   * Options of the second request, and of the client, that differ from the first; everything else
   * is equal.
   */
  const cases: [
    string,
    (server: OriginServer) => { options?: ClientOptions; request?: Partial<RequestOptions>; handle?: boolean },
  ][] = [
    ['isolation', () => ({ request: { isolation: 'tag' } })],
    ['protocols of its pool', ({ port }) => ({ options: { pools: { [`https://b.example:${port}`]: { protocols: ['h2'] } } } })],
    ['a connection of its own', () => ({ handle: true })],
    ['tls.servername', () => ({ options: { tls: { ca: ca(), servername: 'c.example' } } })],
    ['tls.cert', () => ({ options: { tls: { ca: ca(), ...personal } } })],
    ['tls.rejectUnauthorized', () => ({ options: { tls: { ca: ca(), rejectUnauthorized: false } } })],
  ]
  let personal: { cert: string; key: string }
  beforeEach(async () => {
    const { cert, key } = await issue({ names: ['me.example'], clientAuth: true })
    personal = { cert, key }
  })

  it.each(cases)('%s', async (_name, differing) => {
    const started = await serving(NAMES)
    const { options, request, handle } = differing(started)
    const one = client(options)
    await get(one, at('a', started))
    if (handle) await (await (await one.connect(at('b', started))).request({ url: '/' })).text()
    else expect((await get(one, at('b', started), request)).coalesced).toBe(false)
    expect(started.connections).toBe(2)
  })

  it('a proxy for one of them', async () => {
    const started = await serving(NAMES)
    const via = await startTestProxy()
    defer(() => via.close())
    const proxy = (origin: string): string | undefined => (origin.startsWith('https://b.') ? via.url() : undefined)
    const one = client({ proxy, reuse: coalescing({ allow: [['a.example', 'b.example']] }) })
    await get(one, at('a', started))
    expect(await get(one, at('b', started))).toMatchObject({ coalesced: false, because: 'proxied' })
    expect(via.tunnels).toHaveLength(1)
  })

  it.each([
    ['ca', () => ({ tls: { ca: [ca()] } })],
    ['minVersion', () => ({ tls: { ca: ca(), minVersion: 'TLSv1.3' } })],
    ['ciphers', () => ({ tls: { ca: ca(), ciphers: 'TLS_AES_128_GCM_SHA256' } })],
    ['checkServerIdentity', () => ({ tls: { ca: ca(), checkServerIdentity: () => undefined } })],
    ['lookup', () => ({ lookup: lookup.bind(undefined) })],
    ['localAddress', () => ({ localAddress: '127.0.0.5' })],
  ] as [string, () => ClientOptions][])('%s: also between clients with the same policy', async (_name, differing) => {
    const started = await serving(NAMES)
    const reuse = coalescing()
    await get(client({ reuse }), at('a', started))
    expect((await get(client({ reuse, ...differing() }), at('b', started))).coalesced).toBe(false)
    expect(started.connections).toBe(2)
  })
})

it('5 hosts × 40 cold requests: one handshake, and 200 responses for the right hosts', async () => {
  const started = await serving(NAMES)
  const one = client({ clock: new FakeClock() })
  const urls = HOSTS.flatMap((host) => Array.from({ length: 40 }, () => at(host, started)))
  const texts = await Promise.all(urls.map(async (url) => (await get(one, url)).text))
  expect(texts).toEqual(urls.map((url) => new URL(url).host))
  expect([started.connections, started.handshakes, one.stats().totals.coalesced]).toEqual([1, 1, 160])
})

it('200 requests at once to a server that allows 100: still one handshake', async () => {
  const started = await serving(NAMES, { settings: { maxConcurrentStreams: 100 } })
  const one = client({ clock: new FakeClock() })
  await Promise.all(HOSTS.flatMap((host) => Array.from({ length: 40 }, () => get(one, at(host, started)))))
  expect(started.handshakes).toBe(1)
})

it('a draining connection: no request joins it, and its requests in flight succeed', async () => {
  const held: { end(): void }[] = []
  const started = await serving(NAMES, {
    handler: (request, response) => void (request.url === '/slow' ? held.push(response) : response.end()),
  })
  const one = client()
  const slow = get(one, at('a', started, '/slow'))
  await started.delivered(1)
  for (const session of started.sessions) session.close()
  await until(() => one.stats().connections[0]?.state === 'draining')
  const other = await get(one, at('b', started))
  expect(other.coalesced).toBe(false)
  for (const response of held) response.end()
  expect((await slow).id).not.toBe(other.id)
})

it('a full connection: an origin whose requests wait a second for a stream gets a dedicated connection', async () => {
  const held: { end(): void }[] = []
  const started = await serving(NAMES, {
    settings: { maxConcurrentStreams: 1 },
    handler: (request, response) => void (request.url === '/poll' ? held.push(response) : response.end()),
  })
  const clock = new FakeClock(1)
  const one = client({ clock })
  await get(one, at('a', started))
  const poll = get(one, at('a', started, '/poll'))
  await started.delivered(2)
  const other = get(one, at('b', started))
  // It has joined and waits for a stream.
  await until(() => one.stats().pools.some(({ queued, connections }) => queued === 1 && connections.length === 1))
  clock.advance(1_000)
  expect(await other).toMatchObject({ status: 200, coalesced: false, because: 'busy' })
  for (const response of held) response.end()
  await poll
})

it('no origin joins a connection whose certificate has expired (K87)', async () => {
  const notAfter = new Date(Date.now() + 3_600_000)
  const started = await serving(NAMES, { tls: await issue({ names: NAMES, notAfter }) })
  let now = Date.now()
  const one = client({ reuse: coalescing({ clock: { now: () => now } }) })
  const a = await get(one, at('a', started))
  expect((await get(one, at('b', started))).id).toBe(a.id)
  now = notAfter.getTime() + 1_000
  expect(await get(one, at('c', started))).toMatchObject({ coalesced: false, because: 'certificate-expired' })
})

it('a resumed session keeps the certificate of its first handshake, which decides who may share (K88)', async () => {
  const started = await serving(NAMES.slice(0, 2), { sni: { 'c.example': await issue({ names: ['c.example'] }) } })
  const one = client({ idleTimeoutMs: 1 })
  await get(one, at('a', started))
  await until(() => one.stats().connections.length === 0)
  const again = await get(one, at('a', started))
  expect([started.connections, again.coalesced]).toEqual([2, false])
  expect(await get(one, at('b', started))).toMatchObject({ id: again.id, coalesced: true })
  expect((await get(one, at('c', started))).because).toBe('certificate-does-not-cover-host')
})

describe('names whose address changes', () => {
  it('an answer is used for its TTL; then the name is resolved again, and requests go to the new address (K89)', async () => {
    const started = await serving(NAMES)
    const elsewhere = await serving(NAMES, { address: '127.0.0.2', port: started.port })
    const clock = new FakeClock(1)
    const one = client({ clock, lookupTtlMs: 5_000, idleTimeoutMs: 0 })
    const a = await get(one, at('a', started))
    expect((await get(one, at('b', started))).id).toBe(a.id)
    lookup.table['b.example'] = '127.0.0.2'
    clock.advance(4_999)
    expect((await get(one, at('b', started))).id).toBe(a.id)
    clock.advance(1)
    expect(await get(one, at('b', started))).toMatchObject({ coalesced: false, remoteAddress: '127.0.0.2' })
    expect([started.requests.length, elsewhere.requests.length]).toEqual([3, 1])
  })

  it('DNS rotation: one connection while the connected address is in the answer, in any order', async () => {
    const started = await serving(NAMES)
    const one = client({ lookupTtlMs: 0 })
    await get(one, at('a', started))
    for (const order of [['127.0.0.1', '127.0.0.8'], ['127.0.0.8', '127.0.0.1'], ['127.0.0.1']]) {
      lookup.table['b.example'] = order
      expect(await get(one, at('b', started))).toMatchObject({ coalesced: true })
    }
    expect(started.connections).toBe(1)
  })

  it('DNS rebinding: a foreign name with a public address beside our private one is not shared', async () => {
    const started = await serving(NAMES)
    const one = client()
    await get(one, at('a', started))
    lookup.table['b.example'] = ['127.0.0.1', '8.8.8.8']
    const explained = await one.explain(at('b', started))
    expect(explained).toMatchObject({ action: 'dial', because: 'private-address' })
  })
})

it.each([
  ['another port', (port: number) => port, 'https'],
  ['http', (port: number) => port, 'http'],
])('%s is another server', async (_what, _port, scheme) => {
  const [started, other] = [await serving(NAMES), await serving(NAMES, scheme === 'http' ? { tls: undefined } : {})]
  const one = client()
  await get(one, at('a', started))
  expect(await get(one, `${scheme}://b.example:${other.port}/`)).toMatchObject({ coalesced: false, status: 200 })
  expect([started.connections, other.connections]).toEqual([1, 1])
})

it('fields never reach the wrong handler: authority, credentials and tenant of 3,000 random requests (K90)', async () => {
  const seen: { authority: string; credentials: string; servername: string; connectionId: number }[] = []
  const started: OriginServer = await serving(NAMES, {
    handler: (request, response) => {
      const { authorization = '' } = request.headers
      const { servername = '' } = request.socket as { servername?: string }
      seen.push({ authority: String(request.headers[':authority']), credentials: authorization, servername, connectionId: 0 })
      response.end(request.headers[':authority'])
    },
  })
  const one = client()
  const send = async (i: number): Promise<void> => {
    const host = HOSTS[(i * 7919) % HOSTS.length]!
    const isolation = i % 3 === 0 ? `tenant ${i % 2}` : undefined
    const headers = { authorization: `${host} ${isolation ?? ''}` }
    const { text } = await get(one, at(host, started), { headers, ...(isolation === undefined ? {} : { isolation }) })
    expect(text).toBe(`${host}.example:${started.port}`)
  }
  for (let i = 0; i < 3_000; i += 100) await Promise.all(Array.from({ length: 100 }, (_, j) => send(i + j)))
  expect(seen).toHaveLength(3_000)
  expect(seen.filter(({ authority, credentials }) => !authority.startsWith(`${credentials.split(' ')[0]}.`))).toEqual([])
  // One connection without isolation and one per tenant; two tenants never share one.
  expect(started.connections).toBe(3)
  const tenants = new Map<number, Set<string>>()
  for (const { connectionId, headers } of started.requests) {
    const tenant = String(headers['authorization']).split(' ').slice(1).join(' ')
    tenants.set(connectionId, (tenants.get(connectionId) ?? new Set()).add(tenant))
  }
  expect([...tenants.values()].map(({ size }) => size)).toEqual([1, 1, 1])
})

describe('failures of one origin do not affect another that shares its connection (K91)', () => {
  async function sharing(): Promise<{
    started: OriginServer
    one: Client
    held: { end(text?: string): void; stream?: { close(code: number): void } }[]
  }> {
    const held: never[] = []
    const started = await serving(NAMES, {
      handler: (request, response) => {
        if (request.url === '/slow') held.push(response as never)
        else if (request.url === '/421') response.writeHead(421).end()
        else if (request.url === '/reset') (response as unknown as { stream: { close(code: number): void } }).stream.close(2)
        else response.end(request.headers[':authority'])
      },
    })
    const one = client()
    await get(one, at('a', started))
    await get(one, at('b', started))
    return { started, one, held }
  }

  it.each([
    ['/reset', { errorCode: 2 }],
    ['/421', undefined],
  ])('%s', async (path, error) => {
    const { started, one, held } = await sharing()
    const slow = get(one, at('b', started, '/slow'))
    await started.delivered(3)
    const asked = get(one, at('a', started, path), { method: 'POST', body: 'x' })
    if (error === undefined) expect((await asked).status).toBe(421)
    else await expect(asked).rejects.toMatchObject(error)
    for (const response of held) response.end('in time')
    expect(await slow).toMatchObject({ text: 'in time', coalesced: true })
    expect(started.connections).toBe(1)
  })

  it('an unread body', async () => {
    const big = Buffer.alloc(1_000_000)
    const started = await serving(NAMES, { handler: (request, response) => response.end(request.url === '/big' ? big : 'small') })
    const one = client()
    const unread = await one.request({ url: at('a', started, '/big') })
    for (let i = 0; i < 20; i++) expect((await get(one, at('b', started))).text).toBe('small')
    unread.discard()
    expect(started.connections).toBe(1)
  })

  it('GOAWAY: requests beyond its last stream are sent again on a new connection, the others are answered', async () => {
    const { started, one, held } = await sharing()
    const slow = get(one, at('b', started, '/slow'))
    await started.delivered(3)
    for (const session of started.sessions) session.close()
    await until(() => one.stats().connections[0]?.state === 'draining')
    expect(await get(one, at('a', started), { method: 'POST', body: 'x' })).toMatchObject({ status: 200 })
    for (const response of held) response.end('in time')
    expect((await slow).text).toBe('in time')
  })
})

it('a lost connection with 40 queued requests of five origins: one dial recovers them all', async () => {
  const started = await serving(NAMES)
  const relay = await startTcpProxy(started.port)
  defer(() => relay.close())
  const one = client({ clock: new FakeClock() })
  await Promise.all(HOSTS.map((host) => get(one, at(host, relay))))
  expect(relay.connections).toBe(1)
  relay.reset()
  await until(() => one.stats().connections.length === 0)
  await Promise.all(Array.from({ length: 40 }, (_, i) => get(one, at(HOSTS[i % 5]!, relay))))
  expect(relay.connections).toBe(2)
})

it('a redirect to another tenant keeps its isolation: fetch uses the one it was given', async () => {
  const started = await serving(NAMES, {
    handler: (request, response) =>
      request.url === '/go' ? response.writeHead(302, { location: at('b', started) }).end() : response.end('there'),
  })
  const one = client()
  const fetch = createFetch(one)
  await (await fetch(at('b', started))).text()
  const response = await fetch(at('a', started, '/go'), { unshard: { isolation: 'tag' } })
  expect(await response.text()).toBe('there')
  expect(started.connections).toBe(2)
})
