/**
 * The address policy of a client, a pool and a request: real servers on several loopback addresses, of which the policy allows some. A
 * refused request must reach no server, and must use no connection that another request has opened.
 */

import { createServer, type Server } from 'node:net'
import { type OriginServer, staticLookup } from '@unshard/testkit'
import type { AddressPolicyOption, Client, ClientOptions, ReusePolicy } from '../../src/index.js'
import { proxyFixture, proxyNames } from './proxy-fixture.js'

const { client: createClient, server, proxy, defer } = proxyFixture()

const FORBIDDEN = { name: 'ConnectError', code: 'ERR_ADDRESS_FORBIDDEN', phase: 'resolve', processed: 'no' }
/** Grants every reuse, so that only the address policy can refuse client. */
const grantsAll: ReusePolicy = { verdict: () => ({ use: true, because: 'granted' }), misdirected: () => undefined }
const ONLY_SECOND: AddressPolicyOption = { allow: ['127.0.0.2'] }

/** Two machines with one certificate and one port. */
async function machines(): Promise<[OriginServer, OriginServer]> {
  const first = await server({ address: '127.0.0.1' })
  return [first, await server({ address: '127.0.0.2', port: first.port })]
}

function resolving(names: Record<string, string | readonly string[]>, options: ClientOptions = {}): Client {
  return createClient({ lookup: staticLookup(names), ...options })
}

/** A port that counts connections, and never answers. */
async function silentPort(): Promise<{ readonly port: number; readonly accepted: () => number }> {
  let accepted = 0
  const listener: Server = createServer((socket) => {
    accepted++
    socket.destroy()
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  defer(() => new Promise((resolve) => listener.close(resolve)))
  return { port: (listener.address() as { port: number }).port, accepted: () => accepted }
}

describe('a literal address in any spelling of a URL', () => {
  it.each([
    ...['127.0.0.1', '127.1', '0x7f.1', '0x7f000001', '2130706433', '017700000001', '0177.0.0.01', '127.0.0.1.', '0', '0.0.0.0'],
    ...['[::1]', '[0:0:0:0:0:0:0:1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]'],
    ...['１２７.0.0.1', '127。0。0。1', '①②⑦.0.0.1', 'localhost', 'LOCALHOST', 'a.localhost', 'localhost.'],
  ])('http://%s is refused under public, and nothing is sent', async (host) => {
    const { port, accepted } = await silentPort()
    const client = createClient({
      addressPolicy: 'public',
      lookup: staticLookup({ localhost: '127.0.0.1', 'a.localhost': '127.0.0.1' }),
    })
    await expect(client.request({ url: `http://${host}:${port}/` })).rejects.toMatchObject({
      code: expect.anything(),
      processed: 'no',
    })
    expect(accepted()).toBe(0)
    expect(client.stats().totals.dials).toBe(0)
  })

  it('the error names the address and the option', async () => {
    const client = createClient({ addressPolicy: 'public' })
    await expect(client.request({ url: 'http://169.254.169.254/latest/meta-data/' })).rejects.toMatchObject({
      ...FORBIDDEN,
      message:
        'connecting to "169.254.169.254" is forbidden: addressPolicy does not allow 169.254.169.254 (http://169.254.169.254)',
    })
  })
})

describe('a name', () => {
  it('that resolves to a forbidden address is refused, on the client, the pool and the request alike', async () => {
    const [first] = await machines()
    const names = { 'a.test.example': '127.0.0.1' }
    const url = `${first.url('a.test.example')}/`
    const origin = first.url('a.test.example')
    await expect(resolving(names, { addressPolicy: ONLY_SECOND }).request({ url })).rejects.toMatchObject(FORBIDDEN)
    await expect(resolving(names, { pools: { [origin]: { addressPolicy: 'public' } } }).request({ url })).rejects.toMatchObject(
      FORBIDDEN,
    )
    await expect(resolving(names).request({ url, addressPolicy: 'public' })).rejects.toMatchObject(FORBIDDEN)
    expect(first.connections).toBe(0)
  })

  it('that resolves to several addresses is reached at an allowed one only', async () => {
    const [first, second] = await machines()
    const client = resolving({ 'a.test.example': ['127.0.0.1', '127.0.0.2'] }, { addressPolicy: ONLY_SECOND })
    const response = await client.request({ url: `${first.url('a.test.example')}/` })
    expect(response.connection.remoteAddress).toBe('127.0.0.2')
    expect([first.connections, second.connections]).toEqual([0, 1])
  })

  it('whose allowed address refuses connections is not reached at a forbidden one', async () => {
    const first = await server({ address: '127.0.0.1' })
    const client = resolving({ 'a.test.example': ['127.0.0.1', '127.0.0.2'] }, { addressPolicy: ONLY_SECOND })
    await expect(client.request({ url: `${first.url('a.test.example')}/` })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(first.connections).toBe(0)
  })

  it('that is rebound between two requests is refused at the second', async () => {
    const [first, second] = await machines()
    const answers = ['127.0.0.2', '127.0.0.1']
    const client = createClient({
      addressPolicy: ONLY_SECOND,
      lookupTtlMs: 0,
      maxRequestsPerConnection: 1,
      lookup: (_host, _options, callback) => callback(null, [{ address: answers.shift()!, family: 4 }]),
    })
    const url = `${first.url('a.test.example')}/`
    await (await client.request({ url })).text()
    await expect(client.request({ url })).rejects.toMatchObject(FORBIDDEN)
    expect([first.connections, second.connections]).toEqual([0, 1])
  })

  it('with connection: close is judged as well', async () => {
    const [first] = await machines()
    const client = resolving({ 'a.test.example': '127.0.0.1' }, { addressPolicy: ONLY_SECOND })
    const request = { url: `${first.url('a.test.example')}/`, headers: { connection: 'close' } }
    await expect(client.request(request)).rejects.toMatchObject(FORBIDDEN)
    expect(first.connections).toBe(0)
  })
})

describe('an open connection', () => {
  it('to a forbidden address is not used by a request with a policy of its own, which opens none', async () => {
    const first = await server({ address: '127.0.0.1' })
    const client = resolving({ 'a.test.example': '127.0.0.1' }, { reuse: grantsAll })
    const url = `${first.url('a.test.example')}/`
    await (await client.request({ url })).text()
    await expect(client.request({ url, addressPolicy: 'public' })).rejects.toMatchObject(FORBIDDEN)
    await expect(client.request({ url, addressPolicy: { deny: ['127.0.0.0/8'] } })).rejects.toMatchObject(FORBIDDEN)
    expect(first.connections).toBe(1)
    await (await client.request({ url })).text()
    expect(first.connections).toBe(1)
  })

  it('to an allowed address is shared by requests with different policies', async () => {
    const first = await server({ address: '127.0.0.1' })
    const client = resolving({ 'a.test.example': '127.0.0.1' }, { reuse: grantsAll })
    const url = `${first.url('a.test.example')}/`
    await (await client.request({ url })).text()
    const shared = await client.request({ url, addressPolicy: { deny: ['10.0.0.0/8'] } })
    expect(shared.connection).toMatchObject({ because: 'granted' })
    expect(first.connections).toBe(1)
  })

  it('of another origin is not joined if its address is forbidden, although the reuse policy grants it', async () => {
    const [first, second] = await machines()
    const client = resolving(
      { 'a.test.example': '127.0.0.1', 'b.test.example': ['127.0.0.1', '127.0.0.2'] },
      { reuse: grantsAll },
    )
    await (await client.request({ url: `${first.url('a.test.example')}/` })).text()
    const response = await client.request({ url: `${first.url('b.test.example')}/`, addressPolicy: ONLY_SECOND })
    expect(response.connection).toMatchObject({ remoteAddress: '127.0.0.2', coalesced: false })
    expect([first.connections, second.connections]).toEqual([1, 1])
  })

  it('keeps serving requests after the settings have changed, but none under the new policy', async () => {
    const first = await server({ address: '127.0.0.1' })
    const client = resolving({ 'a.test.example': '127.0.0.1' })
    const url = `${first.url('a.test.example')}/`
    await (await client.request({ url })).text()
    client.pools.open('default', { addressPolicy: 'public' })
    await expect(client.request({ url })).rejects.toMatchObject(FORBIDDEN)
    client.pools.open('default', { addressPolicy: 'any' })
    await (await client.request({ url })).text()
  })
})

describe('a connection without a known address', () => {
  it('over a Unix socket is refused, by URL and by socketPath', async () => {
    const bySettings = createClient({ socketPath: '/tmp/unused.sock', addressPolicy: 'public' })
    await expect(bySettings.request({ url: 'http://a.test.example/' })).rejects.toMatchObject(FORBIDDEN)
    const byUrl = createClient({ addressPolicy: 'public' })
    await expect(byUrl.request({ url: 'http+unix://%2Ftmp%2Funused.sock/' })).rejects.toMatchObject(FORBIDDEN)
  })

  it('on a user-supplied socket is refused', async () => {
    let calls = 0
    const sockets = (): undefined => {
      calls++
      return undefined
    }
    const client = createClient({ sockets, addressPolicy: 'public' })
    await expect(client.request({ url: 'http://a.test.example/' })).rejects.toMatchObject(FORBIDDEN)
    expect(calls).toBe(0)
  })
})

describe('a proxy', () => {
  it('that resolves names is refused for a name, unless it is trusted', async () => {
    const origin = await server({ address: '127.0.0.1' })
    const via = await proxy()
    const options = { lookup: proxyNames(), proxy: via.url(), addressPolicy: 'public' } as const
    const url = `${origin.url('a.test.example')}/`
    await expect(createClient(options).request({ url })).rejects.toMatchObject(FORBIDDEN)
    expect(via.tunnels).toEqual([])
    await (await createClient({ ...options, proxyResolves: 'trusted' }).request({ url })).text()
    expect(via.tunnels).toHaveLength(1)
  })

  it('is not asked for a forbidden literal address, even if it is trusted', async () => {
    const via = await proxy()
    const client = createClient({ lookup: proxyNames(), proxy: via.url(), proxyResolves: 'trusted', addressPolicy: 'public' })
    for (const url of ['http://127.0.0.1:9/', 'https://[::1]:9/', 'https://10.0.0.1/', 'http://0x7f.1:9/'])
      await expect(client.request({ url })).rejects.toMatchObject(FORBIDDEN)
    expect([via.tunnels, via.forwarded]).toEqual([[], []])
  })

  it('for which the client resolves the name gets allowed addresses only', async () => {
    const origin = await server({ address: '127.0.0.1' })
    const via = await proxy({ kind: 'socks' })
    const lookup = staticLookup({ 'a.test.example': ['127.0.0.2', '127.0.0.1'], 'b.test.example': '127.0.0.2' })
    const url = via.url().replace('socks5h:', 'socks5:')
    const client = createClient({ lookup, proxy: url, addressPolicy: { allow: ['127.0.0.1'] } })
    await (await client.request({ url: `${origin.url('a.test.example')}/` })).text()
    expect(via.tunnels).toMatchObject([{ authority: `127.0.0.1:${origin.port}` }])
    await expect(client.request({ url: `${origin.url('b.test.example')}/` })).rejects.toMatchObject(FORBIDDEN)
    expect(via.tunnels).toHaveLength(1)
  })

  it('at an address that proxyAddressPolicy forbids is not connected to', async () => {
    const origin = await server({ address: '127.0.0.1' })
    const via = await proxy()
    const client = createClient({ lookup: proxyNames(), proxy: via.url(), proxyAddressPolicy: 'public' })
    await expect(client.request({ url: `${origin.url('a.test.example')}/` })).rejects.toMatchObject(FORBIDDEN)
    expect(via.openConnections).toBe(0)
  })
})

it('explain and warm refuse a forbidden address as a request does', async () => {
  const first = await server({ address: '127.0.0.1' })
  const client = resolving({ 'a.test.example': '127.0.0.1' }, { addressPolicy: 'public' })
  const origin = first.url('a.test.example')
  await expect(client.explain(`${origin}/`)).rejects.toMatchObject(FORBIDDEN)
  expect(await client.warm([origin])).toMatchObject([{ error: FORBIDDEN }])
  await expect(client.connect(origin)).rejects.toMatchObject(FORBIDDEN)
  expect(first.connections).toBe(0)
})

it('the policy of a handle takes the place of that of the client', async () => {
  const first = await server({ address: '127.0.0.1' })
  const client = resolving({ 'a.test.example': '127.0.0.1' })
  const origin = first.url('a.test.example')
  await expect(client.connect(origin, { addressPolicy: 'public' })).rejects.toMatchObject(FORBIDDEN)
  expect(first.connections).toBe(0)
  await expect(client.connect(origin, { addressPolicy: 'private' as never })).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTION',
  })
  const handle = await client.with({ addressPolicy: 'public' }).connect(origin, { addressPolicy: { allow: ['127.0.0.0/8'] } })
  expect((await handle.request({ url: '/' })).status).toBe(200)
})

it('an invalid policy of a request is refused before anything is resolved', async () => {
  const client = createClient({
    lookup: () => {
      throw new Error('resolved')
    },
  })
  await expect(client.request({ url: 'http://a.test.example/', addressPolicy: 'private' as never })).rejects.toMatchObject({
    name: 'UsageError',
    code: 'ERR_INVALID_OPTION',
  })
})

describe('settings', () => {
  it('of a view apply to warm(), connect(), explain() and requests', async () => {
    const first = await server({ address: '127.0.0.1' })
    const view = resolving({ 'a.test.example': '127.0.0.1' }).with({ addressPolicy: 'public' })
    const origin = first.url('a.test.example')
    expect(await view.warm([origin])).toMatchObject([{ error: FORBIDDEN }])
    await expect(view.connect(origin)).rejects.toMatchObject(FORBIDDEN)
    await expect(view.explain(`${origin}/`)).rejects.toMatchObject(FORBIDDEN)
    await expect(view.request({ url: `${origin}/` })).rejects.toMatchObject(FORBIDDEN)
    expect(first.connections).toBe(0)
  })

  it('of an origin do not apply to an isolation with the text of that origin', async () => {
    const first = await server({ address: '127.0.0.1' })
    const client = resolving(
      { 'a.test.example': '127.0.0.1' },
      { addressPolicy: 'public', pools: { 'https://trusted.example': { addressPolicy: 'any' } } },
    )
    const request = { url: `${first.url('a.test.example')}/`, isolation: 'https://trusted.example' }
    await expect(client.request(request)).rejects.toMatchObject(FORBIDDEN)
  })

  it('of an origin apply to its isolations, unless those have a policy', async () => {
    const first = await server({ address: '127.0.0.1' })
    const origin = first.url('a.test.example')
    const pools = { [origin]: { addressPolicy: 'public' }, open: { addressPolicy: 'any' } } as const
    const client = resolving({ 'a.test.example': '127.0.0.1' }, { pools })
    await expect(client.request({ url: `${origin}/`, isolation: 'x' })).rejects.toMatchObject(FORBIDDEN)
    await (await client.request({ url: `${origin}/`, isolation: 'open' })).text()
  })

  it('under default that are set at run time reach named and resized pools, and close() keeps a policy of the options', async () => {
    const first = await server({ address: '127.0.0.1' })
    const origin = first.url('a.test.example')
    const url = `${origin}/`
    const client = resolving({ 'a.test.example': '127.0.0.1' }, { pools: { [origin]: { idleTimeoutMs: 30_000 } } })
    client.pools.resize(origin, 2)
    await (await client.request({ url })).text()
    client.pools.open('default', { addressPolicy: 'public' })
    await expect(client.request({ url })).rejects.toMatchObject(FORBIDDEN)
    const strict = resolving({ 'a.test.example': '127.0.0.1' }, { pools: { [origin]: { addressPolicy: 'public' } } })
    await strict.pools.close(origin)
    await expect(strict.request({ url })).rejects.toMatchObject(FORBIDDEN)
  })
})

it('a tunnel that a request without a policy opened through SOCKS is not used under one', async () => {
  const origin = await server({ address: '127.0.0.1' })
  const via = await proxy({ kind: 'socks' })
  const client = createClient({
    lookup: staticLookup({ 'a.test.example': '127.0.0.1' }),
    proxy: via.url().replace('socks5h:', 'socks5:'),
    reuse: { ...grantsAll, groupsOf: () => ['one'] },
  })
  const url = `${origin.url('a.test.example')}/`
  await (await client.request({ url })).text()
  for (const addressPolicy of ['public', { deny: ['127.0.0.0/8'] }] as const)
    await expect(client.request({ url, addressPolicy })).rejects.toMatchObject(FORBIDDEN)
  expect(via.tunnels).toHaveLength(1)
})
