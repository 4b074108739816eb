/** Rows A of the matrix of hostile servers: those that do not get as far as a request, or should not. */

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
const { client, server, tls, defer } = world
const url = (port: number, scheme = 'https'): string => `${scheme}://a.test.example:${port}/`

/** Over TLS and over cleartext with prior knowledge: what a script does, and the client that meets it. */
const transports: [string, string, ScriptedPeerOptions, ClientOptions][] = [
  ['TLS', 'https', {}, {}],
  ['h2c', 'http', { tls: undefined }, { cleartextProtocol: 'h2' }],
]

/** Something that listens and does one thing with each connection. */
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
  ])('A01 the first frame is %s: GOAWAY PROTOCOL_ERROR', async (_what, frame) => {
    let told!: (errorCode: number) => void
    const goaway = new Promise<number>((resolve) => {
      told = resolve
    })
    const { port } = await peer(async (p) => {
      await p.nextRequest()
      p.send(frame)
      told((await p.next('GOAWAY')).payload.readUInt32BE(4))
    })
    const failing = client(clientOptions).request({ url: url(port, scheme) })
    await expect(failing).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'ERR_PROTOCOL',
      errorCode: 1,
      initiator: 'local',
    })
    expect(await goaway).toBe(1)
  })

  it('A02 an HTTP/1.1 status line: PROTOCOL_ERROR, with a message that names it', async () => {
    const { port } = await peer(async (p) => void p.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')))
    await expect(client(clientOptions).request({ url: url(port, scheme) })).rejects.toMatchObject({
      code: 'ERR_PROTOCOL',
      errorCode: 1,
      message: expect.stringContaining('"HTTP/", an HTTP/1.x response'),
    })
  })

  it.each([
    ['A04 no SETTINGS ever', async () => undefined],
    ['C09 SETTINGS, but no acknowledgement of ours', async (p) => p.send(frames.settings({}))],
  ] as [string, (p: Parameters<Script>[0]) => Promise<void>][])(
    '%s, and not a byte: lost after 45 s, sent once more, and then an error',
    async (_what, start) => {
      const clock = new FakeClock()
      const requested: (() => void)[] = []
      const requests = [0, 1].map((i) => new Promise<void>((resolve) => (requested[i] = resolve)))
      const started = await peer(async (p, index) => {
        await start(p)
        // Requests may go out before SETTINGS have come (RFC 9113 §3.4).
        await p.nextRequest()
        requested[index]!()
        await p.closed
      })
      const failing = client({ ...clientOptions, clock }).request({ url: url(started.port, scheme) })
      failing.catch(() => undefined)
      for (const request of requests) {
        await request
        await clock.pass(46_000)
      }
      await expect(failing).rejects.toMatchObject({ name: 'ConnectionError', code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
      expect(started.connections).toBe(2)
    },
  )

  it('SETTINGS and their acknowledgement may come with the first answer, after 40 s', async () => {
    const clock = new FakeClock()
    let requested!: (p: ScriptedConnection) => void
    const request = new Promise<ScriptedConnection>((resolve) => (requested = resolve))
    const started = await peer(async (p) => {
      await p.nextRequest()
      requested(p)
      await p.closed
    })
    const response = client({ ...clientOptions, clock }).request({ url: url(started.port, scheme) })
    const server = await request
    await clock.pass(40_000)
    server.send(frames.settings({}), frames.settingsAck())
    server.respond(1, 204)
    expect([(await response).status, started.connections]).toEqual([204, 1])
  })

  it.each(['destroy', 'end'] as const)(
    'A08 %s during the preface: one more attempt, because a GET may be sent twice',
    async (how) => {
      const started = await peer(async (p, index) => {
        await p.preface()
        if (index === 0) return p[how]()
        await p.handshake()
        p.respond((await p.nextRequest()).streamId, 204)
      })
      const response = await client(clientOptions).request({ url: url(started.port, scheme) })
      expect([response.status, started.connections]).toEqual([204, 2])
    },
  )

  it('A09 closes after the client preface, every time: an error after at most three dials', async () => {
    const started = await peer(async (p) => {
      await p.preface()
      p.destroy()
    })
    await expect(client(clientOptions).request({ url: url(started.port, scheme) })).rejects.toMatchObject({
      code: 'ERR_CONNECTION_LOST',
    })
    expect(started.connections).toBeLessThanOrEqual(3)
  })
})

it('A03 TCP, but never TLS: the connect deadline', async () => {
  const { port } = await listen(() => createServer())
  await expect(client({ timeouts: { connect: 50 } }).request({ url: url(port) })).rejects.toMatchObject({
    name: 'TimeoutError',
    phase: 'connect',
    processed: 'no',
  })
})

it.each([
  ['http/1.1', ['http/1.1']],
  ['nothing', []],
])('A05 ALPN chooses %s: HTTP/1.1 on the same socket, and the origin is remembered', async (_what, ALPNProtocols) => {
  const credentials = await tls()
  const { port, connections } = await listen(() =>
    createTlsServer({ ...credentials, ALPNProtocols }, (socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'))
    }),
  )
  const one = client()
  for (let i = 0; i < 2; i++) {
    const response = await one.request({ url: url(port) })
    expect([await response.text(), response.connection.protocol]).toEqual(['ok', 'http/1.1'])
  }
  expect(connections()).toBe(1)
})

describe('RFC 9113 §9.2 "Implementations of HTTP/2 MUST use TLS version 1.2 [TLS12] or higher"', () => {
  async function secure(options: TlsOptions): Promise<{ port: number; seen: Buffer[] }> {
    const credentials = await tls()
    const seen: Buffer[] = []
    const { port } = await listen(() =>
      createTlsServer({ ...credentials, ALPNProtocols: ['h2'], ...options }, (socket) => {
        socket.on('error', () => undefined)
        socket.on('data', (bytes) => seen.push(bytes))
      }),
    )
    return { port, seen }
  }

  it.each(['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA384', 'ECDHE-ECDSA-AES256-SHA'])(
    'A06 h2 with TLS 1.2 and %s: refused, and nothing is sent',
    async (ciphers) => {
      const { port, seen } = await secure({ maxVersion: 'TLSv1.2', ciphers })
      const one = client({ tls: { ca: world.authority.ca, ciphers } })
      await expect(one.request({ url: url(port) })).rejects.toMatchObject({
        name: 'ConnectError',
        phase: 'negotiate',
        code: 'ERR_INADEQUATE_SECURITY',
        processed: 'no',
        message: expect.stringMatching(/TLSv1\.2 with TLS_ECDHE_ECDSA_WITH_AES_\d+_CBC_SHA/),
      })
      expect(seen).toEqual([])
    },
  )

  it('A07 h2 with TLS 1.1: refused', async () => {
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    const { port, seen } = await secure(old)
    const one = client({ tls: { ca: world.authority.ca, ...old } })
    await expect(one.request({ url: url(port) })).rejects.toMatchObject({
      code: 'ERR_INADEQUATE_SECURITY',
      message: expect.stringContaining('TLSv1.1'),
    })
    expect(seen).toEqual([])
  })

  it('§9.2.1 "A deployment of HTTP/2 over TLS 1.2 MUST disable renegotiation": a server that asks for it is refused', async () => {
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
    const failing = client().request({ url: url(port), method: 'POST' })
    await expect(failing).rejects.toMatchObject({ name: 'ConnectionError', code: expect.stringMatching(/^ERR_SSL_/) })
    expect(await renegotiation).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' })
  })

  it('an HTTP/1.1 server that renegotiates is let, once it is known to be one: HTTP_1_1_REQUIRED above all (client certificates)', async () => {
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
    expect(await (await client().request({ url: url(port), method: 'POST', body: 'x' })).text()).toBe('ok')
  })

  it('TLS 1.2 with ephemeral keys and authenticated encryption is adequate', async () => {
    const origin = await server({ protocols: ['h2'], tls: { ...(await tls()), maxVersion: 'TLSv1.2' } as never })
    expect((await client().request({ url: origin.url('a.test.example') })).status).toBe(200)
  })
})

describe('A10 HTTP_1_1_REQUIRED (RFC 9113 §7)', () => {
  /** Speaks both: over HTTP/2 it wants HTTP/1.1. `refuse` says so. */
  async function both(refuse: (streamId: number) => Buffer[]): Promise<{ port: number; seen: string[] }> {
    const seen: string[] = []
    const inner = await world.peer(
      async (p) => {
        await p.handshake()
        for (;;) {
          const { streamId, method } = await p.nextRequest()
          seen.push(`h2 ${method}`)
          p.send(...refuse(streamId))
        }
      },
      { tls: undefined },
    )
    const origin = await server({
      protocols: ['http/1.1'],
      tls: undefined,
      handler: (request, response) => {
        seen.push(`h1 ${request.method}`)
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
    return { port, seen }
  }

  it.each([
    ['RST_STREAM', (id: number) => [frames.rstStream(id, 0xd)]],
    ['GOAWAY', () => [frames.goaway(0, 0xd)]],
  ])('%s: asked once over HTTP/1.1, a POST too, and the origin is remembered', async (_what, refuse) => {
    const { port, seen } = await both(refuse)
    const one = client()
    expect(await (await one.request({ url: url(port), method: 'POST', body: 'x' })).text()).toBe('over h1')
    const again = await one.request({ url: url(port) })
    expect([await again.text(), again.connection.protocol]).toEqual(['over h1', 'http/1.1'])
    expect(seen).toEqual(['h2 POST', 'h1 POST', 'h1 GET'])
  })

  it('a client that speaks HTTP/2 alone gets the error, after one attempt', async () => {
    const { port, seen } = await both((id) => [frames.rstStream(id, 0xd)])
    await expect(client({ protocols: ['h2'] }).request({ url: url(port) })).rejects.toMatchObject({
      name: 'StreamError',
      code: 'ERR_HTTP_1_1_REQUIRED',
      errorCode: 0xd,
      processed: 'no',
    })
    expect(seen).toEqual(['h2 GET'])
  })

  it('is forgotten after five minutes', async () => {
    const clock = new FakeClock(1)
    const { port, seen } = await both((id) => [frames.rstStream(id, 0xd)])
    const one = client({ clock })
    await (await one.request({ url: url(port) })).text()
    clock.advance(300_001)
    await (await one.request({ url: url(port) })).text()
    expect(seen).toEqual(['h2 GET', 'h1 GET', 'h2 GET', 'h1 GET'])
  })

  it('over cleartext with prior knowledge it is HTTP/1.1 without', async () => {
    const seen: string[] = []
    const { port } = await listen(() =>
      createServer((socket) => {
        socket.once('data', (bytes) => {
          const h2 = bytes.toString('latin1').startsWith('PRI ')
          seen.push(h2 ? 'h2' : 'h1')
          if (h2) socket.write(Buffer.concat([frames.settings({}), frames.settingsAck(), frames.goaway(0, 0xd)]))
          else socket.end('HTTP/1.1 204 No Content\r\n\r\n')
        })
      }),
    )
    const response = await client({ cleartextProtocol: 'h2' }).request({ url: url(port, 'http') })
    expect([response.status, ...seen]).toEqual([204, 'h2', 'h1'])
  })
})
