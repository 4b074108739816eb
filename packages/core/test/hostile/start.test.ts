/**
 * The start of a connection: rows A of the matrix of hostile servers, C09, and the limits of TLS.
 */

import { connect, createServer } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import {
  FakeClock,
  frames,
  type Script,
  type ScriptedConnection,
  type ScriptedPeer,
  type ScriptedPeerOptions,
} from '@unshard/testkit'
import type { ClientOptions } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'

const world = clientFixture()
const { client: createClient, server, tls, defer } = world
const url = (port: number, scheme = 'https'): string => `${scheme}://a.test.example:${port}/`

/** TLS and cleartext with prior knowledge: options of the peer, and of the client. */
const transports: [string, string, ScriptedPeerOptions, ClientOptions][] = [
  ['TLS', 'https', {}, {}],
  ['h2c', 'http', { tls: undefined }, { cleartextProtocol: 'h2' }],
]

/** Starts a server and counts its connections. */
async function listen(make: () => ReturnType<typeof createServer>): Promise<{ port: number; connections: () => number }> {
  const listening = make()
  let connections = 0
  listening.on('connection', (socket) => {
    connections++
    socket.on('error', () => undefined)
    defer(() => socket.destroy())
  })
  listening.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  defer(() => listening.close())
  return { port: (listening.address() as { port: number }).port, connections: () => connections }
}

describe.each(transports)('over %s', (_name, scheme, peerOptions, clientOptions) => {
  const peer = async (script: Script): Promise<ScriptedPeer> => {
    const started = await world.peer(script, peerOptions)
    defer(() => expect(started.failures).toEqual([]))
    return started
  }

  it.each([
    ['HEADERS', frames.headers(1, [[':status', '200']])],
    ['PING', frames.ping()],
    ['an acknowledgement of SETTINGS', frames.settingsAck()],
  ])('a peer whose first frame is %s receives GOAWAY PROTOCOL_ERROR (A01)', async (_what, frame) => {
    let resolveCode!: (errorCode: number) => void
    const goaway = new Promise<number>((resolve) => {
      resolveCode = resolve
    })
    const { port } = await peer(async (p) => {
      await p.nextRequest()
      p.send(frame)
      resolveCode((await p.next('GOAWAY')).payload.readUInt32BE(4))
    })
    const failing = createClient(clientOptions).request({ url: url(port, scheme) })
    await expect(failing).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'ERR_PROTOCOL',
      errorCode: 1,
      initiator: 'local',
    })
    expect(await goaway).toBe(1)
  })

  it('an HTTP/1.1 status line causes PROTOCOL_ERROR with a message that names HTTP/1.x (A02)', async () => {
    const { port } = await peer(async (p) => void p.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')))
    await expect(createClient(clientOptions).request({ url: url(port, scheme) })).rejects.toMatchObject({
      code: 'ERR_PROTOCOL',
      errorCode: 1,
      message: expect.stringContaining('"HTTP/", an HTTP/1.x response'),
    })
  })

  it.each([
    ['no SETTINGS (A04)', async () => undefined],
    ['SETTINGS without an acknowledgement (C09)', async (p) => p.send(frames.settings({}))],
  ] as [string, (p: Parameters<Script>[0]) => Promise<void>][])(
    '%s, and no other byte: the connection is lost after 45 s, and the request is sent once more',
    async (_what, start) => {
      const clock = new FakeClock()
      const requested: (() => void)[] = []
      const requests = [0, 1].map((i) => new Promise<void>((resolve) => (requested[i] = resolve)))
      const started = await peer(async (p, index) => {
        await start(p)
        // Requests may be sent before SETTINGS arrive (RFC 9113 §3.4).
        await p.nextRequest()
        requested[index]!()
        await p.closed
      })
      const failing = createClient({ ...clientOptions, clock }).request({ url: url(started.port, scheme) })
      failing.catch(() => undefined)
      for (const request of requests) {
        await request
        await clock.pass(46_000)
      }
      await expect(failing).rejects.toMatchObject({ name: 'ConnectionError', code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
      expect(started.connections).toBe(2)
    },
  )

  it('SETTINGS and their acknowledgement may arrive with the first response, after 40 s', async () => {
    const clock = new FakeClock()
    let requested!: (p: ScriptedConnection) => void
    const request = new Promise<ScriptedConnection>((resolve) => (requested = resolve))
    const started = await peer(async (p) => {
      await p.nextRequest()
      requested(p)
      await p.closed
    })
    const response = createClient({ ...clientOptions, clock }).request({ url: url(started.port, scheme) })
    const server = await request
    await clock.pass(40_000)
    server.send(frames.settings({}), frames.settingsAck())
    server.respond(1, 204)
    expect([(await response).status, started.connections]).toEqual([204, 1])
  })

  it.each(['destroy', 'end'] as const)(
    'a GET is sent once more after the server calls %s() during the preface (A08)',
    async (how) => {
      const started = await peer(async (p, index) => {
        await p.preface()
        if (index === 0) return p[how]()
        await p.handshake()
        p.respond((await p.nextRequest()).streamId, 204)
      })
      const response = await createClient(clientOptions).request({ url: url(started.port, scheme) })
      expect([response.status, started.connections]).toEqual([204, 2])
    },
  )

  it('a server that closes after every client preface causes an error after at most three dials (A09)', async () => {
    const started = await peer(async (p) => {
      await p.preface()
      p.destroy()
    })
    await expect(createClient(clientOptions).request({ url: url(started.port, scheme) })).rejects.toMatchObject({
      code: 'ERR_CONNECTION_LOST',
    })
    expect(started.connections).toBeLessThanOrEqual(3)
  })
})

it('a server that accepts TCP and never answers TLS causes a TimeoutError of phase connect (A03)', async () => {
  const { port } = await listen(() => createServer())
  await expect(createClient({ timeouts: { connect: 50 } }).request({ url: url(port) })).rejects.toMatchObject({
    name: 'TimeoutError',
    phase: 'connect',
    processed: 'no',
  })
})

it.each([
  ['http/1.1', ['http/1.1']],
  ['no protocol', []],
])('with ALPN %s the client uses HTTP/1.1 on the same socket, and remembers the origin (A05)', async (_what, ALPNProtocols) => {
  const credentials = await tls()
  const { port, connections } = await listen(() =>
    createTlsServer({ ...credentials, ALPNProtocols }, (socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'))
    }),
  )
  const client = createClient()
  for (let i = 0; i < 2; i++) {
    const response = await client.request({ url: url(port) })
    expect([await response.text(), response.connection.protocol]).toEqual(['ok', 'http/1.1'])
  }
  expect(connections()).toBe(1)
})

describe('"Implementations of HTTP/2 MUST use TLS version 1.2 [TLS12] or higher" (RFC 9113 §9.2)', () => {
  async function startServer(options: TlsOptions): Promise<{ port: number; received: Buffer[] }> {
    const credentials = await tls()
    const received: Buffer[] = []
    const { port } = await listen(() =>
      createTlsServer({ ...credentials, ALPNProtocols: ['h2'], ...options }, (socket) => {
        socket.on('error', () => undefined)
        socket.on('data', (bytes) => received.push(bytes))
      }),
    )
    return { port, received }
  }

  it.each(['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA384', 'ECDHE-ECDSA-AES256-SHA'])(
    'h2 with TLS 1.2 and %s is refused, and no byte is sent (A06)',
    async (ciphers) => {
      const { port, received } = await startServer({ maxVersion: 'TLSv1.2', ciphers })
      const client = createClient({ tls: { ca: world.authority.ca, ciphers } })
      await expect(client.request({ url: url(port) })).rejects.toMatchObject({
        name: 'ConnectError',
        phase: 'negotiate',
        code: 'ERR_INADEQUATE_SECURITY',
        processed: 'no',
        message: expect.stringMatching(/TLSv1\.2 with TLS_ECDHE_ECDSA_WITH_AES_\d+_CBC_SHA/),
      })
      expect(received).toEqual([])
    },
  )

  it('h2 with TLS 1.1 is refused (A07)', async () => {
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    const { port, received } = await startServer(old)
    const client = createClient({ tls: { ca: world.authority.ca, ...old } })
    await expect(client.request({ url: url(port) })).rejects.toMatchObject({
      code: 'ERR_INADEQUATE_SECURITY',
      message: expect.stringContaining('TLSv1.1'),
    })
    expect(received).toEqual([])
  })

  it('"A deployment of HTTP/2 over TLS 1.2 MUST disable renegotiation": a renegotiation fails (§9.2.1)', async () => {
    const credentials = await tls()
    let refused!: (error: Error | null) => void
    const renegotiation = new Promise<Error | null>((resolve) => {
      refused = resolve
    })
    const { port } = await listen(() =>
      createTlsServer({ ...credentials, ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2' }, (socket) => {
        socket.on('error', (error) => refused(error))
        socket.once('data', () => {
          socket.write(Buffer.concat([frames.settings({}), frames.settingsAck()]))
          socket.renegotiate({ rejectUnauthorized: false }, (error) => {
            refused(error)
            if (error === null) socket.write(frames.headers(1, [[':status', '200']], { endStream: true }))
          })
        })
      }),
    )
    const failing = createClient().request({ url: url(port), method: 'POST' })
    await expect(failing).rejects.toMatchObject({ name: 'ConnectionError', code: expect.stringMatching(/^ERR_SSL_/) })
    expect(await renegotiation).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' })
  })

  it('an HTTP/1.1 server may renegotiate, such as for a client certificate after HTTP_1_1_REQUIRED', async () => {
    const credentials = await tls()
    const { port } = await listen(() =>
      createTlsServer({ ...credentials, ALPNProtocols: ['h2', 'http/1.1'], maxVersion: 'TLSv1.2' }, (socket) => {
        socket.on('error', () => undefined)
        socket.once('data', () => {
          if (socket.alpnProtocol === 'h2') {
            socket.write(Buffer.concat([frames.settings({}), frames.settingsAck(), frames.rstStream(1, 0xd)]))
            return
          }
          socket.renegotiate({ rejectUnauthorized: false }, (error) => {
            if (error === null) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
          })
        })
      }),
    )
    expect(await (await createClient().request({ url: url(port), method: 'POST', body: 'x' })).text()).toBe('ok')
  })

  it('h2 with TLS 1.2, ephemeral keys and authenticated encryption is accepted', async () => {
    const origin = await server({ protocols: ['h2'], tls: { ...(await tls()), maxVersion: 'TLSv1.2' } as never })
    expect((await createClient().request({ url: origin.url('a.test.example') })).status).toBe(200)
  })
})

describe('HTTP_1_1_REQUIRED (A10, RFC 9113 §7)', () => {
  /** Starts a server of both protocols that sends the frames of `refuse` over HTTP/2. */
  async function startBoth(refuse: (streamId: number) => Buffer[]): Promise<{ port: number; requests: string[] }> {
    const requests: string[] = []
    const inner = await world.peer(
      async (p) => {
        await p.handshake()
        for (;;) {
          const { streamId, method } = await p.nextRequest()
          requests.push(`h2 ${method}`)
          p.send(...refuse(streamId))
        }
      },
      { tls: undefined },
    )
    const origin = await server({
      protocols: ['http/1.1'],
      tls: undefined,
      handler: (request, response) => {
        requests.push(`h1 ${request.method}`)
        request.resume().on('end', () => response.end('over h1'))
      },
    })
    const credentials = await tls()
    const { port } = await listen(() =>
      createTlsServer({ ...credentials, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
        socket.on('error', () => undefined)
        const to = connect(socket.alpnProtocol === 'h2' ? inner.port : origin.port, '127.0.0.1')
        to.on('error', () => undefined)
        socket.pipe(to).pipe(socket)
      }),
    )
    return { port, requests }
  }

  it.each([
    ['RST_STREAM', (id: number) => [frames.rstStream(id, 0xd)]],
    ['GOAWAY', () => [frames.goaway(0, 0xd)]],
  ])('in %s: the request is sent once over HTTP/1.1, a POST too, and the origin is remembered', async (_what, refuse) => {
    const { port, requests } = await startBoth(refuse)
    const client = createClient()
    expect(await (await client.request({ url: url(port), method: 'POST', body: 'x' })).text()).toBe('over h1')
    const again = await client.request({ url: url(port) })
    expect([await again.text(), again.connection.protocol]).toEqual(['over h1', 'http/1.1'])
    expect(requests).toEqual(['h2 POST', 'h1 POST', 'h1 GET'])
  })

  it('a client that allows only HTTP/2 receives the error after one attempt', async () => {
    const { port, requests } = await startBoth((id) => [frames.rstStream(id, 0xd)])
    await expect(createClient({ protocols: ['h2'] }).request({ url: url(port) })).rejects.toMatchObject({
      name: 'StreamError',
      code: 'ERR_HTTP_1_1_REQUIRED',
      errorCode: 0xd,
      processed: 'no',
    })
    expect(requests).toEqual(['h2 GET'])
  })

  it('the origin is forgotten after five minutes', async () => {
    const clock = new FakeClock(1)
    const { port, requests } = await startBoth((id) => [frames.rstStream(id, 0xd)])
    const client = createClient({ clock })
    await (await client.request({ url: url(port) })).text()
    clock.advance(300_001)
    await (await client.request({ url: url(port) })).text()
    expect(requests).toEqual(['h2 GET', 'h1 GET', 'h2 GET', 'h1 GET'])
  })

  it('over cleartext with prior knowledge the client switches to HTTP/1.1', async () => {
    const requests: string[] = []
    const { port } = await listen(() =>
      createServer((socket) => {
        socket.once('data', (bytes) => {
          const h2 = bytes.toString('latin1').startsWith('PRI ')
          requests.push(h2 ? 'h2' : 'h1')
          if (h2) socket.write(Buffer.concat([frames.settings({}), frames.settingsAck(), frames.goaway(0, 0xd)]))
          else socket.end('HTTP/1.1 204 No Content\r\n\r\n')
        })
      }),
    )
    const response = await createClient({ cleartextProtocol: 'h2' }).request({ url: url(port, 'http') })
    expect([response.status, ...requests]).toEqual([204, 'h2', 'h1'])
  })
})
