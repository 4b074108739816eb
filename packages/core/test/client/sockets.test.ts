/** User-supplied sockets: used for requests, then left open with their listeners. */

import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { type OriginServer, staticLookup } from '@unshard/testkit'
import type { SocketEndpoint, SocketsOption } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const fixture = clientFixture()
const { client: createClient, server, defer } = fixture

async function tcp({ port }: OriginServer): Promise<Socket> {
  const socket = connectTcp({ host: '127.0.0.1', port })
  socket.on('error', () => undefined)
  defer(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function tls({ port }: OriginServer, ALPNProtocols: string[]): Promise<TLSSocket> {
  const socket = connectTls({
    ...{ host: '127.0.0.1', port, servername: 'a.test.example', ca: fixture.authority.ca, ALPNProtocols },
  })
  socket.on('error', () => undefined)
  defer(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

const countsOf = (socket: Duplex): Record<string, number> =>
  Object.fromEntries(
    ['data', 'end', 'error', 'close', 'drain', 'readable', 'finish'].map((event) => [event, socket.listenerCount(event)]),
  )

/** A Duplex that is neither a socket nor a stream of Node's net module. */
async function plainDuplex(origin: OriginServer): Promise<Duplex> {
  const socket = await tcp(origin)
  const duplex = new Duplex({
    allowHalfOpen: true,
    read: () => void socket.resume(),
    write: (part, _encoding, done) => void socket.write(part, () => done()),
  })
  socket.on('data', (part: Buffer) => void (duplex.push(part) || socket.pause()))
  socket.on('end', () => duplex.push(null))
  return duplex
}

describe.each([
  ['https', 'h2'],
  ['https', 'http/1.1'],
  ['http', 'h2'],
  ['http', 'http/1.1'],
] as const)('over %s and %s', (scheme, protocol) => {
  const start = (): Promise<OriginServer> => server({ protocols: [protocol], ...(scheme === 'http' && { tls: undefined }) })

  it.each([
    ['a socket', tcp],
    ['any Duplex', plainDuplex],
  ])('%s is used instead of a dial, then left open with its listeners', async (_what, make) => {
    const origin = await start()
    const socket = await make(origin)
    const before = countsOf(socket)
    const lookup = staticLookup()
    const client = createClient({ sockets: socket, lookup, cleartextProtocol: protocol })
    for (let i = 0; i < 3; i++) {
      const response = await client.request({
        url: `${origin.url('a.test.example')}/echo`,
        method: 'POST',
        body: 'x'.repeat(100_000),
      })
      expect(response.connection.protocol).toBe(protocol)
      await response.bytes()
    }
    await client.close()
    expect([origin.connections, lookup.calls]).toEqual([1, []])
    expect([socket.destroyed, socket.writableEnded, countsOf(socket)]).toEqual([false, false, before])
  })
})

it('a client that is destroyed during a request leaves no listener on the socket', async () => {
  const origin = await server({ protocols: ['h2'] })
  const socket = await tcp(origin)
  const before = countsOf(socket)
  const client = createClient({ sockets: socket })
  const response = await client.request({ url: `${origin.url('a.test.example')}/slow` })
  const paused = once(socket, 'pause')
  client.destroy()
  await expect(response.text()).rejects.toMatchObject({ code: 'ERR_CLIENT_DESTROYED' })
  await paused
  expect([socket.destroyed, countsOf(socket)]).toEqual([false, before])
})

describe('a TLSSocket', () => {
  it.each(['h2', 'http/1.1'] as const)('with ALPN protocol %s is used without another handshake', async (protocol) => {
    const origin = await server()
    const socket = await tls(origin, [protocol])
    const before = countsOf(socket)
    const client = createClient({ sockets: socket })
    const response = await client.request({ url: `${origin.url('a.test.example')}/` })
    expect(response.connection).toMatchObject({ protocol, remoteAddress: '127.0.0.1', remotePort: origin.port })
    await response.text()
    await client.close()
    expect([origin.handshakes, socket.destroyed, countsOf(socket)]).toEqual([1, false, before])
  })

  it('is refused if ALPN chose a protocol that the client does not use', async () => {
    const origin = await server()
    const socket = await tls(origin, ['h2'])
    const before = countsOf(socket)
    const endpoints = createClient({ sockets: socket, protocols: ['http/1.1'] }).request({
      url: `${origin.url('a.test.example')}/`,
    })
    await expect(endpoints).rejects.toMatchObject({ name: 'ConnectError', phase: 'negotiate' })
    expect([socket.destroyed, countsOf(socket)]).toEqual([false, before])
  })
})

describe('a Map of sockets', () => {
  it('is searched for the addresses of a host in order; other addresses are dialed', async () => {
    const [mapped, dialed] = [await server({ protocols: ['h2'] }), await server({ protocols: ['h2'] })]
    const socket = await tcp(mapped)
    const lookup = staticLookup({ 'a.test.example': ['::1', '127.0.0.7'], 'b.test.example': '127.0.0.1' })
    const client = createClient({ sockets: new Map([[`127.0.0.7:${mapped.port}`, socket]]), lookup })
    const first = await client.request({ url: `${mapped.url('a.test.example')}/` })
    expect(first.connection.localPort).toBe(socket.localPort)
    await first.text()
    expect(await (await client.request({ url: `${dialed.url('b.test.example')}/` })).text()).toMatch(/^hello/)
    expect([mapped.connections, dialed.connections]).toEqual([1, 1])
  })

  it('contains IPv6 addresses in brackets', async () => {
    const origin = await server({ protocols: ['h2'] })
    const lookup = staticLookup({ 'a.test.example': '2001:db8::1' })
    const client = createClient({ sockets: new Map([[`[2001:db8::1]:${origin.port}`, await tcp(origin)]]), lookup })
    expect((await client.request({ url: `${origin.url('a.test.example')}/` })).status).toBe(200)
  })
})

describe('a function that returns sockets', () => {
  it('is called with each address, for each connection', async () => {
    const origin = await server({ protocols: ['h2'] })
    const sockets = [await tcp(origin), await tcp(origin)]
    const endpoints: SocketEndpoint[] = []
    const lookup = staticLookup({ 'a.test.example': ['127.0.0.8', '127.0.0.1'] })
    const client = createClient({
      lookup,
      sockets: (endpoint) => {
        endpoints.push(endpoint)
        return endpoint.address === '127.0.0.1' ? sockets.shift() : undefined
      },
    })
    for (let i = 0; i < 2; i++) {
      const response = await client.request({ url: `${origin.url('a.test.example')}/`, headers: { connection: 'close' } })
      await response.text()
    }
    const { port } = origin
    const expected = ['127.0.0.8', '127.0.0.1'].map((address) => ({ host: 'a.test.example', port, address }))
    expect(endpoints).toEqual([...expected, ...expected])
    expect(origin.connections).toBe(2)
  })

  it('fails the request if it throws, or returns a value that is not a socket', async () => {
    const url = 'https://a.test.example/'
    const failing = createClient({
      sockets: () => {
        throw new RangeError('none left')
      },
    })
    await expect(failing.request({ url })).rejects.toMatchObject({
      code: 'ERR_SOCKETS_FUNCTION',
      cause: { message: 'none left' },
    })
    const invalid = createClient({ sockets: () => 7 as never })
    await expect(invalid.request({ url })).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_SOCKET' })
  })
})

describe('an object of sockets', () => {
  it('is searched for own members by address and port', async () => {
    const origin = await server({ protocols: ['h2'] })
    const socket = await tcp(origin)
    const client = createClient({ sockets: { [`127.0.0.1:${origin.port}`]: socket } })
    const response = await client.request({ url: `${origin.url('a.test.example')}/` })
    expect(response.connection.localPort).toBe(socket.localPort)
    await response.text()
  })

  it.each([[{ a: 5 }], [[]], [{}]])('is refused with the value %j', (sockets) => {
    expect(() => createClient({ sockets } as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })
})

it.each<[string, (socket: Duplex, name: string) => SocketsOption]>([
  ['Map', (socket, name) => new Map([[name, socket]])],
  ['object', (socket, name) => ({ [name]: socket })],
  ['function', (socket) => () => socket],
])('a socket from a %s is used once: the next origin and the next connection are dialed', async (_kind, make) => {
  const origin = await server()
  const socket = await tcp(origin)
  const client = createClient({ sockets: make(socket, `127.0.0.1:${origin.port}`) })
  const localPortOf = async (host: string, headers = {}): Promise<number | undefined> => {
    const response = await client.request({ url: `${origin.url(host)}/`, headers })
    await response.text()
    return response.connection.localPort
  }
  expect(await localPortOf('a.test.example')).toBe(socket.localPort)
  expect(await localPortOf('b.test.example')).not.toBe(socket.localPort)
  expect(await localPortOf('a.test.example', { connection: 'close' })).not.toBe(socket.localPort)
  expect(await localPortOf('a.test.example')).toBe(socket.localPort)
  expect(origin.connections).toBe(3)
})

describe('a single socket', () => {
  const unusable = { name: 'ConnectError', phase: 'tcp', code: 'ERR_SOCKET_UNUSABLE', processed: 'no' }

  it('serves one origin of one client', async () => {
    const origin = await server({ protocols: ['h2'] })
    const socket = await tcp(origin)
    const client = createClient({ sockets: socket })
    await (await client.request({ url: `${origin.url('a.test.example')}/` })).text()
    await expect(client.request({ url: `${origin.url('b.test.example')}/` })).rejects.toMatchObject(unusable)
    await expect(createClient({ sockets: socket }).request({ url: `${origin.url('a.test.example')}/` })).rejects.toMatchObject(
      unusable,
    )
    expect((await client.request({ url: `${origin.url('a.test.example')}/` })).status).toBe(200)
  })

  it('is not replaced after it ends: the connection is lost', async () => {
    const origin = await server({ protocols: ['h2'] })
    const socket = await tcp(origin)
    const client = createClient({ sockets: socket })
    const response = await client.request({ url: `${origin.url('a.test.example')}/slow` })
    const before = socket.listenerCount('data')
    socket.destroy()
    await expect(response.text()).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' })
    expect([before, socket.listenerCount('data')]).toEqual([1, 0])
    await expect(client.request({ url: `${origin.url('a.test.example')}/` })).rejects.toMatchObject(unusable)
  })

  it('cannot be used before it is connected', async () => {
    const origin = await server({ protocols: ['h2'] })
    const socket = connectTls({ host: '127.0.0.1', port: origin.port, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    defer(() => socket.destroy())
    await expect(createClient({ sockets: socket }).request({ url: `${origin.url('a.test.example')}/` })).rejects.toMatchObject(
      unusable,
    )
    await once(socket, 'secureConnect')
  })

  it('cannot be used after it has ended', async () => {
    const origin = await server({ protocols: ['h2'] })
    const socket = await tcp(origin)
    socket.destroy()
    await expect(createClient({ sockets: socket }).request({ url: `${origin.url('a.test.example')}/` })).rejects.toMatchObject(
      unusable,
    )
  })
})

it.each([7, 'socket', {}, null])('the option sockets refuses %j', (sockets) => {
  expect(() => createClient({ sockets } as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
})
