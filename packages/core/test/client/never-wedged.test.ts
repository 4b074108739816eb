/** Queued requests, connections in verification and handles all end, and leave nothing behind. */

import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import { clientFixture } from './fixture.js'

const fixture = clientFixture()
const { client: createClient, defer, peer, server } = fixture

async function serve(p: ScriptedConnection): Promise<never> {
  for (;;) p.respond((await p.nextRequest()).streamId, 204)
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

describe('waitForSettings with a connection for one request', () => {
  const headers = { connection: 'close' }

  it('no request is sent before SETTINGS', async () => {
    let headersBefore = -1
    const scripted = await peer(async (p) => {
      await p.preface()
      for (let i = 0; i < 20; i++) await new Promise(setImmediate)
      headersBefore = p.received.filter(({ typeName }) => typeName === 'HEADERS').length
      p.send(frames.settings({}), frames.settingsAck())
      await serve(p)
    })
    const client = createClient({ waitForSettings: true })
    const { status } = await client.request({ url: `https://a.test.example:${scripted.port}/`, headers })
    expect([status, headersBefore]).toEqual([204, 0])
    await scripted.peers[0]!.closed
  })

  it('an abort or the end of the connection ends a request without SETTINGS', async () => {
    let prefaces = 0
    const scripted = await peer(async (p) => {
      await p.preface()
      prefaces++
    })
    const client = createClient({ waitForSettings: true })
    const abort = new AbortController()
    const url = `https://a.test.example:${scripted.port}/`
    const aborted = expect(client.request({ url, headers, signal: abort.signal })).rejects.toBe('enough')
    await until(() => prefaces === 1)
    abort.abort('enough')
    await aborted
    await scripted.peers[0]!.closed
    const lost = expect(client.request({ url, headers })).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
    await until(() => prefaces === 2)
    scripted.peers[1]!.destroy()
    await lost
  })
})

describe.each(['http', 'https'])('a warm HTTP/1.1 connection over %s', (scheme) => {
  it.each([
    ['sends bytes and closes', true],
    ['sends bytes and stays open', false],
  ])('whose server %s before the first request: those bytes are not its response', async (_title, closes) => {
    let connections = 0
    const listening = (scheme === 'https' ? createTlsServer(await fixture.tls()) : createServer()).on(
      scheme === 'https' ? 'secureConnection' : 'connection',
      (socket) => {
        defer(() => socket.destroy())
        socket.on('error', () => undefined)
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'))
        if (connections++ > 0) return
        socket.write('HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n')
        if (closes) socket.end()
      },
    )
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    defer(() => listening.close())
    const url = `${scheme}://a.test.example:${(listening.address() as { port: number }).port}`
    const client = createClient()
    await client.warm([url])
    await until(() => client.stats().connections.length === 0)
    const response = await client.request({ url, method: 'POST', body: 'x' })
    expect([response.status, await response.text(), connections]).toEqual([200, 'ok', 2])
  })
})

describe('close() of a handle', () => {
  it('after HTTP_1_1_REQUIRED closes its dedicated HTTP/1.1 connection', async () => {
    const origin = await server({
      protocols: ['h2', 'http/1.1'],
      handler: (request, response) => {
        if ('stream' in request) request.stream.close(0xd)
        else response.end('ok')
      },
    })
    const client = createClient({ idleTimeoutMs: 0 })
    const handle = await client.connect(origin.url('a.test.example'))
    const response = await handle.request({ url: '/' })
    expect([await response.text(), handle.connection]).toEqual(['ok', response.connection])
    await handle.close()
    await until(() => client.stats().connections.length === 0)
    await until(() => origin.openSockets === 0)
  })

  it.each(['h2', 'http/1.1'] as const)(
    'during a new dial over %s: its request is answered, and no connection is left',
    async (protocol) => {
      const origin = await server({ protocols: [protocol] })
      const client = createClient({ idleTimeoutMs: 0 })
      const handle = await client.connect(origin.url('a.test.example'))
      await (await handle.request({ url: '/' })).text()
      origin.closeIdle()
      await until(() => handle.connection === undefined)
      const all = Array.from({ length: 3 }, async () => (await handle.request({ url: '/bytes/3' })).bytes())
      const closed = handle.close()
      expect((await Promise.all(all)).map(({ length }) => length)).toEqual([3, 3, 3])
      await closed
      expect([client.stats().connections, client.stats().pools]).toEqual([[], []])
    },
  )

  it('without a connection resolves at once', async () => {
    const origin = await server()
    const handle = await createClient().connect(origin.url('a.test.example'))
    await (await handle.request({ url: '/' })).text()
    origin.closeIdle()
    await until(() => handle.connection === undefined)
    await handle.close()
    await handle.close()
  })
})

it('an isolation that looks like the key of a handle is an isolation', async () => {
  const origin = await server()
  const url = origin.url('a.test.example')
  const client = createClient()
  const { connection } = await client.connect(url, { isolation: 'a' })
  for (const isolation of ['a|handle 1', '"a"|handle 1', 'a"|handle 1']) {
    const response = await client.request({ url, isolation })
    await response.text()
    expect(response.connection.id).not.toBe(connection!.id)
  }
})

it('the queue deadline covers connections that open and close without capacity', async () => {
  const origin = await server({
    protocols: ['http/1.1'],
    handler: (request, response) => {
      response.setHeader('connection', 'close')
      held.push(() => response.end('ok'))
      request.resume()
    },
  })
  const held: (() => void)[] = []
  const clock = new FakeClock(1)
  const client = createClient({ clock, maxConnectionsPerOrigin: 1 })
  const url = origin.url('a.test.example')
  const all = Array.from({ length: 5 }, async () => (await client.request({ url })).text())
  const settled = Promise.allSettled(all)
  for (let i = 0; i < 3; i++) {
    await until(() => held.length === i + 1)
    clock.advance(25_000)
    held[i]!()
    await until(() => client.pools.find(url)?.connections.length === 0 || i === 2)
    // Between two connections the requests are in another phase.
    clock.advance(100)
  }
  const outcomes = (await settled).map((each) => (each.status === 'fulfilled' ? each.value : each.reason))
  const late = { name: 'TimeoutError', phase: 'queue', processed: 'no' }
  expect(outcomes).toMatchObject(['ok', 'ok', 'ok', late, late])
})

it('the last request before maxRequestsPerConnection over HTTP/1.1 counts against maxConnectionsPerOrigin', async () => {
  let active = 0
  let most = 0
  const origin = await server({
    protocols: ['http/1.1'],
    handler: (_request, response) => {
      most = Math.max(most, ++active)
      const answer = (turns: number): unknown =>
        turns === 0 ? response.end(String(active--)) : setImmediate(() => answer(turns - 1))
      answer(20)
    },
  })
  const client = createClient({ maxRequestsPerConnection: 1, maxConnectionsPerOrigin: 2 })
  const url = origin.url('a.test.example')
  await Promise.all(Array.from({ length: 20 }, async () => (await client.request({ url })).text()))
  expect([most, origin.connections]).toEqual([2, 20])
})
