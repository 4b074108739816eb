/** A name with two addresses, the first of which accepts TCP but fails: requests use the second. */

import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import { FakeClock, frames, staticLookup } from '@unshard/testkit'
import type { Client, ClientOptions } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server, defer, tls: credentials } = clientFixture()
const FAILING = '127.0.0.2'
const WORKING = '127.0.0.1'

/** A server at the failing address, on the port of the working server. */
async function failingServer(
  port: number,
  connected: (socket: Socket) => void,
  secure?: tls.TlsOptions,
): Promise<{ count: number }> {
  const accepted = { count: 0 }
  const sockets = new Set<Socket>()
  const open = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    connected(socket)
  }
  const listener = secure === undefined ? net.createServer(open) : tls.createServer(secure, open)
  listener.on('connection', () => accepted.count++)
  await new Promise<void>((resolve) => listener.listen(port, FAILING, resolve))
  defer(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })
  return accepted
}

const NAMES = { 'a.test.example': [FAILING, WORKING] }
const http2 = { ALPNProtocols: ['h2'] }
const settingsAndGoaway = Buffer.concat([frames.settings({}), frames.goaway(0, 0)])

function makeClient(options: ClientOptions = {}): Client {
  return createClient({ lookup: staticLookup(NAMES), lookupTtlMs: 0, ...options })
}

/** Sends six requests, each on a separate connection. */
async function sendSix(client: Client, url: string, method = 'GET'): Promise<unknown[]> {
  const outcomes: unknown[] = []
  for (let i = 0; i < 6; i++) {
    const request = client.request({ url, method, isolation: String(i) })
    outcomes.push(
      await request.then(
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

describe.each(['GET', 'POST'])('%s over https', (method) => {
  it.each<[string, (socket: Socket) => void, boolean]>([
    ['resets the connection', (socket) => socket.resetAndDestroy(), false],
    ['closes the connection', (socket) => socket.end(), false],
    ['closes the connection at the first byte', (socket) => socket.once('data', () => socket.end()), false],
    ['sends HTTP/1.1 without TLS', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), false],
    ['sends SMTP first', (socket) => void socket.write('220 mail.example ESMTP\r\n'), false],
    ['sends GOAWAY at once', (socket) => void socket.end(settingsAndGoaway), true],
  ])('an address whose server %s is not preferred', async (_what, connected, secure) => {
    const origin = await server({ protocols: ['h2'], address: WORKING })
    const { cert, key } = await credentials()
    const accepted = await failingServer(origin.port, connected, secure ? { cert, key, ...http2 } : undefined)
    const outcomes = await sendSix(makeClient(), `${origin.url('a.test.example')}/`, method)
    expect(outcomes).toEqual(Array.from({ length: 6 }, () => WORKING))
    // The failing address was tried once, then last.
    expect(accepted.count).toBe(1)
  })

  it('an address that presents a certificate for another name is not preferred', async () => {
    const origin = await server({ protocols: ['h2'], address: WORKING })
    const { cert, key } = await credentials('other.example')
    const accepted = await failingServer(origin.port, () => undefined, { cert, key, ...http2 })
    expect(await sendSix(makeClient(), `${origin.url('a.test.example')}/`, method)).toEqual(
      Array.from({ length: 6 }, () => WORKING),
    )
    expect(accepted.count).toBe(1)
  })
})

it('a GET on a connection that closes after TLS is replayed at the other address, which is preferred from then on', async () => {
  const origin = await server({ protocols: ['h2'], address: WORKING })
  const { cert, key } = await credentials()
  await failingServer(origin.port, (socket) => socket.end(), { cert, key, ...http2 })
  expect(await sendSix(makeClient(), `${origin.url('a.test.example')}/`)).toEqual(Array.from({ length: 6 }, () => WORKING))
})

it.each<[string, (socket: Socket) => void]>([
  ['closes', (socket) => socket.end()],
  ['resets', (socket) => socket.once('data', () => socket.resetAndDestroy())],
])('over http, an address whose server %s the connection is not preferred', async (_what, connected) => {
  const origin = await server({ protocols: ['http/1.1'], address: WORKING, tls: undefined })
  await failingServer(origin.port, connected)
  expect(await sendSix(makeClient(), `http://a.test.example:${origin.port}/`)).toEqual(Array.from({ length: 6 }, () => WORKING))
})

it('an address that sends nothing during TLS is raced after a second, and tried last from then on', async () => {
  const clock = new FakeClock()
  const origin = await server({ protocols: ['h2'], address: WORKING })
  let connected!: () => void
  const firstAttempt = new Promise<void>((resolve) => {
    connected = resolve
  })
  await failingServer(origin.port, () => connected())
  const client = makeClient({ clock })
  const first = client.request({ url: `${origin.url('a.test.example')}/` })
  await firstAttempt
  await clock.pass(1_000)
  expect((await first).connection.remoteAddress).toBe(WORKING)
  // No time passes: if the silent address were tried first, the other one would not be tried.
  const second = await client.request({ url: `${origin.url('a.test.example')}/`, isolation: 'other' })
  expect(second.connection.remoteAddress).toBe(WORKING)
})

it('an address that sends no SETTINGS within 2 s keeps its request, and is tried last from then on', async () => {
  const clock = new FakeClock()
  const origin = await server({ protocols: ['h2'], address: WORKING })
  const { cert, key } = await credentials()
  let connected!: () => void
  const firstAttempt = new Promise<void>((resolve) => {
    connected = resolve
  })
  await failingServer(origin.port, (socket) => socket.once('data', () => connected()), { cert, key, ...http2 })
  const client = makeClient({ clock })
  const abort = new AbortController()
  const first = client.request({ url: `${origin.url('a.test.example')}/`, signal: abort.signal })
  await firstAttempt
  await clock.pass(2_000)
  for (const isolation of ['other', undefined]) {
    const second = await client.request({ url: `${origin.url('a.test.example')}/`, ...(isolation && { isolation }) })
    expect(second.connection.remoteAddress).toBe(WORKING)
  }
  abort.abort('enough')
  await expect(first).rejects.toBe('enough')
})

it('if every address fails, the error names each address and has the phase of the last', async () => {
  const first = await server({ protocols: ['h2'], address: WORKING })
  const { port } = first
  await first.close()
  await failingServer(port, (socket) => socket.resetAndDestroy())
  await expect(makeClient().request({ url: `https://a.test.example:${port}/` })).rejects.toMatchObject({
    name: 'ConnectError',
    phase: 'tcp',
    code: 'ECONNREFUSED',
    processed: 'no',
    message: expect.stringMatching(/127\.0\.0\.2: .*127\.0\.0\.1: /),
  })
})
