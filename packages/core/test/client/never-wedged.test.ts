/** Queued requests, connections being verified, handles: all of them end, and leave nothing behind. */

import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import { clientFixture } from './fixture.js'

const world = clientFixture()
const { client, defer, peer, server } = world

async function serve(p: ScriptedConnection): Promise<never> {
  for (;;) p.respond((await p.nextRequest()).streamId, 204)
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate)
}

describe('waitForSettings with a dedicated connection for one request', () => {
  const headers = { connection: 'close' }

  it('no request is sent before SETTINGS', async () => {
    let before = -1
    const scripted = await peer(async (p) => {
      await p.preface()
      for (let i = 0; i < 20; i++) await new Promise(setImmediate)
      before = p.received.filter(({ typeName }) => typeName === 'HEADERS').length
      p.send(frames.settings({}), frames.settingsAck())
      await serve(p)
    })
    const one = client({ waitForSettings: true })
    const { status } = await one.request({ url: `https://a.test.example:${scripted.port}/`, headers })
    expect([status, before]).toEqual([204, 0])
    await scripted.peers[0]!.closed
  })

  it('without SETTINGS, an abort or the end of the connection ends the request', async () => {
    let heard = 0
    const scripted = await peer(async (p) => {
      await p.preface()
      heard++
    })
    const one = client({ waitForSettings: true })
    const abort = new AbortController()
    const url = `https://a.test.example:${scripted.port}/`
    const aborted = expect(one.request({ url, headers, signal: abort.signal })).rejects.toBe('enough')
    await until(() => heard === 1)
    abort.abort('enough')
    await aborted
    await scripted.peers[0]!.closed
    const lost = expect(one.request({ url, headers })).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
    await until(() => heard === 2)
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
    const listening = (scheme === 'https' ? createTlsServer(await world.tls()) : createServer()).on(
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
    const one = client()
    await one.warm([url])
    await until(() => one.stats().connections.length === 0)
    const response = await one.request({ url, method: 'POST', body: 'x' })
    expect([response.status, await response.text(), connections]).toEqual([200, 'ok', 2])
  })
})

describe('a handle that is closed', () => {
  it('after HTTP_1_1_REQUIRED: its HTTP/1.1 connection is dedicated, and closes with it', async () => {
    const origin = await server({
      protocols: ['h2', 'http/1.1'],
      handler: (request, response) => {
        if ('stream' in request) request.stream.close(0xd)
        else response.end('ok')
      },
    })
    const one = client({ idleTimeoutMs: 0 })
    const handle = await one.connect(origin.url('a.test.example'))
    const response = await handle.request({ url: '/' })
    expect([await response.text(), handle.connection]).toEqual(['ok', response.connection])
    await handle.close()
    await until(() => one.stats().connections.length === 0)
    await until(() => origin.openSockets === 0)
  })

  it.each(['h2', 'http/1.1'] as const)(
    'during a new dial, %s: its request is answered, and then nothing is left',
    async (protocol) => {
      const origin = await server({ protocols: [protocol] })
      const one = client({ idleTimeoutMs: 0 })
      const handle = await one.connect(origin.url('a.test.example'))
      await (await handle.request({ url: '/' })).text()
      origin.closeIdle()
      await until(() => handle.connection === undefined)
      const all = Array.from({ length: 3 }, async () => (await handle.request({ url: '/bytes/3' })).bytes())
      const closed = handle.close()
      expect((await Promise.all(all)).map(({ length }) => length)).toEqual([3, 3, 3])
      await closed
      expect([one.stats().connections, one.stats().pools]).toEqual([[], []])
    },
  )

  it('without a connection: at once', async () => {
    const origin = await server()
    const handle = await client().connect(origin.url('a.test.example'))
    await (await handle.request({ url: '/' })).text()
    origin.closeIdle()
    await until(() => handle.connection === undefined)
    await handle.close()
    await handle.close()
  })
})

it('an isolation that looks like the key of a handle is still an isolation', async () => {
  const origin = await server()
  const url = origin.url('a.test.example')
  const one = client()
  const { connection } = await one.connect(url, { isolation: 'a' })
  for (const isolation of ['a|handle 1', '"a"|handle 1', 'a"|handle 1']) {
    const response = await one.request({ url, isolation })
    await response.text()
    expect(response.connection.id).not.toBe(connection!.id)
  }
})

it('the queue deadline counts across connections that open and close without capacity', async () => {
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
  const one = client({ clock, maxConnectionsPerOrigin: 1 })
  const url = origin.url('a.test.example')
  const all = Array.from({ length: 5 }, async () => (await one.request({ url })).text())
  const settled = Promise.allSettled(all)
  for (let i = 0; i < 3; i++) {
    await until(() => held.length === i + 1)
    clock.advance(25_000)
    held[i]!()
    await until(() => one.pools.find(url)?.connections.length === 0 || i === 2)
    // Between two connections the phase differs.
    clock.advance(100)
  }
  const ends = (await settled).map((each) => (each.status === 'fulfilled' ? each.value : each.reason))
  const late = { name: 'TimeoutError', phase: 'queue', processed: 'no' }
  expect(ends).toMatchObject(['ok', 'ok', 'ok', late, late])
})

it('maxRequestsPerConnection over HTTP/1.1: the last request of a connection counts against maxConnectionsPerOrigin', async () => {
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
  const one = client({ maxRequestsPerConnection: 1, maxConnectionsPerOrigin: 2 })
  const url = origin.url('a.test.example')
  await Promise.all(Array.from({ length: 20 }, async () => (await one.request({ url })).text()))
  expect([most, origin.connections]).toEqual([2, 20])
})
