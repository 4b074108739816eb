/** Servers that cannot be reached or misbehave: errors, and requests that are sent again. */

import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { FakeClock, frames, type Script, type ScriptedPeer } from '@unshard/testkit'
import { clientFixture } from './fixture.js'

const fixture = clientFixture()
const { client: createClient, server, tls, defer } = fixture

/** Starts a server on a free port and returns the port. */
async function listen(make: () => Server): Promise<number> {
  const listening = make()
  const sockets = new Set<Socket>()
  listening.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  defer(() => {
    for (const socket of sockets) socket.destroy()
    listening.close()
  })
  return (listening.address() as { port: number }).port
}

/** A peer whose script must not fail: an exception fails the test. */
async function peer(script: Script): Promise<ScriptedPeer> {
  const scripted = await fixture.peer(script)
  defer(() => expect(scripted.failures).toEqual([]))
  return scripted
}

const url = (port: number): string => `https://a.test.example:${port}/`

describe('a dial fails', () => {
  it('for a name that does not resolve', async () => {
    await expect(createClient().request({ url: 'https://nowhere.test.example/' })).rejects.toMatchObject({
      name: 'ConnectError',
      code: 'ENOTFOUND',
      phase: 'resolve',
      processed: 'no',
    })
  })

  it('for a port without a listener: the error names every address', async () => {
    const origin = await server()
    await origin.close()
    const failing = createClient().request({ url: url(origin.port) })
    await expect(failing).rejects.toMatchObject({ phase: 'tcp', message: expect.stringMatching(/127\.0\.0\.1: .*ECONNREFUSED/) })
  })

  it('for a certificate for another name', async () => {
    const { port } = await server({ tls: await tls('other.example') })
    await expect(createClient().request({ url: url(port) })).rejects.toMatchObject({
      phase: 'tls',
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
  })

  it('for a certificate of an unknown authority', async () => {
    const { port } = await server()
    await expect(createClient({ tls: {} }).request({ url: url(port) })).rejects.toMatchObject({ phase: 'tls' })
  })

  it('for a server that supports neither h2 nor HTTP/1.1', async () => {
    const credentials = await tls()
    const port = await listen(() => createTlsServer({ ...credentials, ALPNProtocols: ['spdy/3'] }))
    await expect(createClient().request({ url: url(port) })).rejects.toMatchObject({ name: 'ConnectError', phase: 'negotiate' })
  })

  it('for a server without TLS', async () => {
    const port = await listen(() => createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')))
    await expect(createClient().request({ url: url(port) })).rejects.toMatchObject({ name: 'ConnectError', phase: 'tls' })
  })

  it('for a server that closes the connection at once', async () => {
    const port = await listen(() => createServer((socket) => socket.destroy()))
    await expect(createClient().request({ url: url(port) })).rejects.toMatchObject({ name: 'ConnectError', phase: 'tls' })
  })

  it('for a server that sends nothing: the connect deadline passes', async () => {
    const port = await listen(() => createServer())
    const client = createClient({ timeouts: { connect: 100 } })
    await expect(client.request({ url: url(port) })).rejects.toMatchObject({
      name: 'TimeoutError',
      phase: 'connect',
      ms: 100,
      processed: 'no',
    })
  })

  it('once for all requests that wait for the same dial', async () => {
    const port = await listen(() => createServer((socket) => socket.destroy()))
    const client = createClient()
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => client.request({ url: url(port) })))
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    expect(client.stats().totals.dials).toBe(1)
  })
})

describe('an HTTP/2 server that', () => {
  it('answers in HTTP/1.1 although ALPN chose h2', async () => {
    const { port } = await peer(async (p) => void p.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')))
    await expect(createClient().request({ url: url(port) })).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'ERR_PROTOCOL',
      errorCode: 1,
      message: expect.stringContaining('HTTP/1.x'),
    })
  })

  it('sends garbage', async () => {
    const { port } = await peer(async (p) => {
      await p.handshake()
      p.send(Buffer.alloc(4_000, 0xfe))
    })
    await expect(createClient().request({ url: url(port), method: 'POST' })).rejects.toMatchObject({
      name: 'ConnectionError',
      initiator: 'local',
    })
  })

  it('closes the connection during the content: the received bytes are read, then the error follows', async () => {
    const { port } = await peer(async (p) => {
      await p.handshake()
      const { streamId } = await p.nextRequest()
      p.send(frames.headers(streamId, [[':status', '200']]), frames.data(streamId, Buffer.from('half')))
      p.end()
    })
    const response = await createClient().request({ url: url(port) })
    const parts: string[] = []
    const reading = (async () => {
      for await (const part of response.body) parts.push(Buffer.from(part).toString())
    })()
    await expect(reading).rejects.toMatchObject({ name: 'ConnectionError', code: 'ERR_CONNECTION_LOST', processed: 'yes' })
    expect(parts).toEqual(['half'])
  })

  it('resets the stream: the error has its code, and the connection stays open', async () => {
    const { port } = await peer(async (p) => {
      await p.handshake()
      const first = await p.nextRequest()
      p.send(frames.rstStream(first.streamId, 0x2))
      const second = await p.nextRequest()
      p.respond(second.streamId, 204)
    })
    const client = createClient()
    await expect(client.request({ url: url(port), method: 'POST' })).rejects.toMatchObject({
      name: 'StreamError',
      initiator: 'peer',
      errorCode: 0x2,
      processed: 'unknown',
    })
    expect((await client.request({ url: url(port), method: 'POST' })).status).toBe(204)
    expect(client.stats().totals.dials).toBe(1)
  })

  it('sends a malformed response: a stream error, and the connection stays open', async () => {
    const { port } = await peer(async (p) => {
      await p.handshake()
      const first = await p.nextRequest()
      p.send(
        frames.headers(
          first.streamId,
          [
            [':status', '200'],
            ['Bad Name', 'x'],
          ],
          { endStream: true },
        ),
      )
      const second = await p.nextRequest()
      p.respond(second.streamId, 204)
    })
    const client = createClient()
    await expect(client.request({ url: url(port) })).rejects.toMatchObject({
      name: 'ResponseError',
      code: 'ERR_MALFORMED_RESPONSE',
    })
    expect((await client.request({ url: url(port) })).status).toBe(204)
  })

  it('sends nothing: the headers deadline passes, and the stream is reset', async () => {
    const clock = new FakeClock()
    let resolveDelivered!: () => void
    const request = new Promise<void>((resolve) => {
      resolveDelivered = resolve
    })
    let resolveReset!: (frame: unknown) => void
    const streamReset = new Promise((resolve) => {
      resolveReset = resolve
    })
    const { port } = await peer(async (p) => {
      await p.handshake()
      await p.nextRequest()
      resolveDelivered()
      resolveReset(await p.next('RST_STREAM'))
    })
    const failing = createClient({ clock, timeouts: { headers: 1_000 } }).request({ url: url(port) })
    failing.catch(() => undefined)
    await request
    clock.advance(2_000)
    await expect(failing).rejects.toMatchObject({ name: 'TimeoutError', phase: 'headers', ms: 1_000, processed: 'unknown' })
    await streamReset
  })

  it('refuses the stream (RFC 9113 §8.7): even a POST is replayed, at most three times, then fails as not processed', async () => {
    const methods: string[] = []
    const { port } = await peer(async (p) => {
      await p.handshake()
      for (let i = 0; ; i++) {
        const { streamId, method } = await p.nextRequest()
        methods.push(method)
        if (i === 1) p.respond(streamId, 200)
        else p.send(frames.rstStream(streamId, 0x7))
      }
    })
    const client = createClient()
    expect((await client.request({ url: url(port), method: 'POST', body: 'x' })).status).toBe(200)
    expect(methods).toEqual(['POST', 'POST'])
    await expect(client.request({ url: url(port) })).rejects.toMatchObject({ code: 'ERR_STREAM_REFUSED', processed: 'no' })
    expect(methods).toHaveLength(6)
    expect(client.stats().totals.replayed).toBe(4)
  })

  it('sends GOAWAY below a request: it is sent again on a new connection; at or above it, the request completes', async () => {
    const scripted = await fixture.peer(async (p, index) => {
      await p.handshake()
      if (index === 1) {
        const { streamId } = await p.nextRequest()
        p.respond(streamId, 200, [], Buffer.from('second'))
        return
      }
      const first = await p.nextRequest()
      await p.nextRequest()
      p.send(frames.goaway(first.streamId, 0), frames.headers(first.streamId, [[':status', '200']]))
      p.send(frames.data(first.streamId, Buffer.from('first'), { endStream: true }))
    })
    const client = createClient()
    const answers = await Promise.all(
      [1, 2].map(async () => (await client.request({ url: url(scripted.port), method: 'POST', body: 'x' })).text()),
    )
    expect(answers).toEqual(['first', 'second'])
    expect(scripted.connections).toBe(2)
  })

  it('closes after every request without a response: a GET is sent twice, a POST once (RFC 9110 §9.2.2)', async () => {
    const methods: string[] = []
    const { port } = await peer(async (p) => {
      await p.handshake()
      methods.push((await p.nextRequest()).method)
      p.destroy()
    })
    const client = createClient()
    await expect(client.request({ url: url(port) })).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
    expect(methods).toEqual(['GET', 'GET'])
    await expect(client.request({ url: url(port), method: 'POST', body: 'x' })).rejects.toMatchObject({
      code: 'ERR_CONNECTION_LOST',
    })
    expect(methods).toEqual(['GET', 'GET', 'POST'])
  })

  it('loses each connection: a QUERY is sent twice (RFC 10008), and so is a POST with an idempotency-key', async () => {
    const methods: string[] = []
    const { port } = await peer(async (p) => {
      await p.handshake()
      methods.push((await p.nextRequest()).method)
      p.destroy()
    })
    const client = createClient()
    const lost = { name: 'ConnectionError', processed: 'unknown' }
    await expect(client.request({ url: url(port), method: 'QUERY', body: 'x' })).rejects.toMatchObject(lost)
    expect(methods.splice(0)).toEqual(['QUERY', 'QUERY'])
    const headers = { 'Idempotency-Key': '"k"' }
    await expect(client.request({ url: url(port), method: 'POST', body: 'x', headers })).rejects.toMatchObject(lost)
    await expect(client.request({ url: url(port), method: 'PATCH', body: 'x', headers, replay: 0 })).rejects.toMatchObject(lost)
    expect(methods).toEqual(['POST', 'POST', 'PATCH'])
  })
})

it('a request that was lost after it was sent has an unknown outcome, regardless of the last error', async () => {
  const scripted = await fixture.peer(async (p) => {
    await p.handshake()
    await p.nextRequest()
    await scripted.close()
  })
  const refused = createClient().request({ url: url(scripted.port), method: 'DELETE' })
  await expect(refused).rejects.toMatchObject({ name: 'ConnectError', phase: 'tcp', processed: 'unknown' })
})

describe('the stream limit of the peer', () => {
  it('a limit of 5 streams and 40 requests: 40 correct responses, at most 5 at once, 1 connection', async () => {
    let most = 0
    const open: (() => void)[] = []
    const origin = await server({
      settings: { maxConcurrentStreams: 5 },
      protocols: ['h2'],
      handler: (request, response) => {
        open.push(() => response.end(request.url))
        most = Math.max(most, open.length)
        setImmediate(() => open.shift()!())
      },
    })
    const client = createClient()
    await (await client.request({ url: url(origin.port) })).text()
    const paths = Array.from({ length: 40 }, (_, i) => `/${i}`)
    const answers = await Promise.all(
      paths.map(async (path) => (await client.request({ url: `https://a.test.example:${origin.port}${path}` })).text()),
    )
    expect(answers).toEqual(paths)
    expect(most).toBeLessThanOrEqual(5)
    expect(origin.connections).toBe(1)
  })

  it('a request that waits for a stream can be aborted and has its own deadline', async () => {
    const clock = new FakeClock()
    let resolveDelivered!: () => void
    const first = new Promise<void>((resolve) => {
      resolveDelivered = resolve
    })
    const { port } = await peer(async (p) => {
      await p.handshake({ maxConcurrentStreams: 1 })
      const { streamId } = await p.nextRequest()
      p.send(frames.headers(streamId, [[':status', '200']]))
      resolveDelivered()
      await p.closed
    })
    const client = createClient({ clock, timeouts: { queue: 500 } })
    await Promise.all([client.request({ url: url(port) }), first])
    const abort = new AbortController()
    const aborted = client.request({ url: url(port), signal: abort.signal })
    const late = client.request({ url: url(port) })
    late.catch(() => undefined)
    abort.abort('no more')
    await expect(aborted).rejects.toBe('no more')
    clock.advance(1_000)
    await expect(late).rejects.toMatchObject({ name: 'TimeoutError', phase: 'queue', processed: 'no' })
  })
})

describe('an HTTP/1.1 server that', () => {
  const serve = async (answer: string, then: 'end' | 'destroy' | 'stay' = 'end'): Promise<string> => {
    const credentials = await tls()
    const port = await listen(() =>
      createTlsServer({ ...credentials, ALPNProtocols: ['http/1.1'] }, (socket) => {
        socket.on('error', () => undefined)
        socket.once('data', () => {
          socket.write(answer)
          if (then !== 'stay') socket[then]()
        })
      }),
    )
    return url(port)
  }

  it.each([
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'ERR_MALFORMED_RESPONSE'],
    ['nothing', '', 'ERR_CONNECTION_LOST'],
    ['half a status line', 'HTTP/1.1 2', 'ERR_CONNECTION_LOST'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab', 'ERR_MALFORMED_RESPONSE'],
  ])('sends %s', async (_what, answer, code) => {
    await expect(createClient().request({ url: await serve(answer), method: 'POST' })).rejects.toMatchObject({ code })
  })

  it('closes the connection during the content', async () => {
    const response = await createClient().request({ url: await serve('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf') })
    await expect(response.text()).rejects.toMatchObject({ processed: 'yes' })
  })

  it('sends nothing and stays open: the headers deadline passes', async () => {
    const client = createClient({ timeouts: { headers: 100 } })
    await expect(client.request({ url: await serve('', 'stay') })).rejects.toMatchObject({
      name: 'TimeoutError',
      phase: 'headers',
    })
  })
})
