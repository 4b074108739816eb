/** A name with two addresses, of which the first accepts TCP but is unusable: requests go to the second. */

import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import { FakeClock, frames, staticLookup } from '@unshard/testkit'
import type { Client, ClientOptions } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client, server, defer, tls: credentials } = clientFixture()
const ILL = '127.0.0.2'
const WELL = '127.0.0.1'

/** Listens at the unusable address, on the port of the usable one. */
async function ill(port: number, connected: (socket: Socket) => void, secure?: tls.TlsOptions): Promise<{ count: number }> {
  const seen = { count: 0 }
  const sockets = new Set<Socket>()
  const open = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    connected(socket)
  }
  const listener = secure === undefined ? net.createServer(open) : tls.createServer(secure, open)
  listener.on('connection', () => seen.count++)
  await new Promise<void>((resolve) => listener.listen(port, ILL, resolve))
  defer(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })
  return seen
}

const names = { 'a.test.example': [ILL, WELL] }
const http2 = { ALPNProtocols: ['h2'] }
const goodbye = Buffer.concat([frames.settings({}), frames.goaway(0, 0)])

function make(options: ClientOptions = {}): Client {
  return client({ lookup: staticLookup(names), lookupTtlMs: 0, ...options })
}

/** Six requests, each on a connection that the next cannot use. */
async function six(one: Client, url: string, method = 'GET'): Promise<unknown[]> {
  const outcomes: unknown[] = []
  for (let i = 0; i < 6; i++) {
    const asked = one.request({ url, method, isolation: String(i) })
    outcomes.push(
      await asked.then(
        async (response) => {
          await response.text()
          return response.connection.remoteAddress
        },
        (error: Error) => error.message,
      ),
    )
  }
  return outcomes
}

describe.each(['GET', 'POST'])('https, %s', (method) => {
  it.each<[string, (socket: Socket) => void, boolean]>([
    ['resets the connection', (socket) => socket.resetAndDestroy(), false],
    ['closes it', (socket) => socket.end(), false],
    ['closes it at the first byte', (socket) => socket.once('data', () => socket.end()), false],
    ['speaks plain text', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), false],
    ['speaks another protocol first', (socket) => void socket.write('220 mail.example ESMTP\r\n'), false],
    ['sends GOAWAY at once', (socket) => void socket.end(goodbye), true],
  ])('an address whose server %s is not preferred', async (_what, connected, secure) => {
    const origin = await server({ protocols: ['h2'], address: WELL })
    const { cert, key } = await credentials()
    const seen = await ill(origin.port, connected, secure ? { cert, key, ...http2 } : undefined)
    const outcomes = await six(make(), `${origin.url('a.test.example')}/`, method)
    expect(outcomes).toEqual(Array.from({ length: 6 }, () => WELL))
    // Tried once, then last.
    expect(seen.count).toBe(1)
  })

  it('an address that presents a certificate for another name is not preferred', async () => {
    const origin = await server({ protocols: ['h2'], address: WELL })
    const { cert, key } = await credentials('other.example')
    const seen = await ill(origin.port, () => undefined, { cert, key, ...http2 })
    expect(await six(make(), `${origin.url('a.test.example')}/`, method)).toEqual(Array.from({ length: 6 }, () => WELL))
    expect(seen.count).toBe(1)
  })
})

it('a GET on a connection that closes after TLS is replayed at the other address, which later requests try first', async () => {
  const origin = await server({ protocols: ['h2'], address: WELL })
  const { cert, key } = await credentials()
  await ill(origin.port, (socket) => socket.end(), { cert, key, ...http2 })
  expect(await six(make(), `${origin.url('a.test.example')}/`)).toEqual(Array.from({ length: 6 }, () => WELL))
})

it.each<[string, (socket: Socket) => void]>([
  ['closes', (socket) => socket.end()],
  ['resets', (socket) => socket.once('data', () => socket.resetAndDestroy())],
])('http: an address whose server %s is not preferred', async (_what, connected) => {
  const origin = await server({ protocols: ['http/1.1'], address: WELL, tls: undefined })
  await ill(origin.port, connected)
  expect(await six(make(), `http://a.test.example:${origin.port}/`)).toEqual(Array.from({ length: 6 }, () => WELL))
})

it('an address that sends nothing during TLS is raced after a second, and tried last from then on', async () => {
  const clock = new FakeClock()
  const origin = await server({ protocols: ['h2'], address: WELL })
  let connected!: () => void
  const waiting = new Promise<void>((resolve) => {
    connected = resolve
  })
  await ill(origin.port, () => connected())
  const one = make({ clock })
  const first = one.request({ url: `${origin.url('a.test.example')}/` })
  await waiting
  await clock.pass(1_000)
  expect((await first).connection.remoteAddress).toBe(WELL)
  // No time passes: if the idle address were first, the second would not be tried.
  const second = await one.request({ url: `${origin.url('a.test.example')}/`, isolation: 'other' })
  expect(second.connection.remoteAddress).toBe(WELL)
})

it('an address whose server sends no SETTINGS within 2 s keeps its request, and is tried last from then on', async () => {
  const clock = new FakeClock()
  const origin = await server({ protocols: ['h2'], address: WELL })
  const { cert, key } = await credentials()
  let connected!: () => void
  const waiting = new Promise<void>((resolve) => {
    connected = resolve
  })
  await ill(origin.port, (socket) => socket.once('data', () => connected()), { cert, key, ...http2 })
  const one = make({ clock })
  const abort = new AbortController()
  const first = one.request({ url: `${origin.url('a.test.example')}/`, signal: abort.signal })
  await waiting
  await clock.pass(2_000)
  for (const isolation of ['other', undefined]) {
    const second = await one.request({ url: `${origin.url('a.test.example')}/`, ...(isolation && { isolation }) })
    expect(second.connection.remoteAddress).toBe(WELL)
  }
  abort.abort('enough')
  await expect(first).rejects.toBe('enough')
})

it('if every address fails, the error names each, with the phase of the last', async () => {
  const first = await server({ protocols: ['h2'], address: WELL })
  const { port } = first
  await first.close()
  await ill(port, (socket) => socket.resetAndDestroy())
  await expect(make().request({ url: `https://a.test.example:${port}/` })).rejects.toMatchObject({
    name: 'ConnectError',
    phase: 'tcp',
    code: 'ECONNREFUSED',
    processed: 'no',
    message: expect.stringMatching(/127\.0\.0\.2: .*127\.0\.0\.1: /),
  })
})
