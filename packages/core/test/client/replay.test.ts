/** Replayed requests: which ones, and how often. Deliveries are counted at the server. */

import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import type { RequestOptions } from '../../src/index.js'
import { whileTimePasses } from '../hostile/fixture.js'
import { clientFixture } from './fixture.js'

const fixture = clientFixture()
const { client: createClient, peer, server } = fixture
const { goaway, rstStream } = frames
const REFUSED_STREAM = 7
const LAST = 0x7fff_ffff

/** Starts a peer that records the path of each request. */
async function recordingPeer(script: (p: ScriptedConnection, index: number, paths: string[]) => Promise<void>) {
  const paths: string[] = []
  const started = await peer((p, index) => script(p, index, paths))
  fixture.defer(() => expect(started.failures).toEqual([]))
  return { paths, started, url: (path = '') => `https://a.test.example:${started.port}/${path}` }
}

const post: Partial<RequestOptions> = { method: 'POST', body: 'x' }

describe('a server that accepts one request per connection', () => {
  const eight = Array.from({ length: 8 }, (_, i) => String(i))

  it.each([
    ['sends GOAWAY after its response', true],
    ['sends GOAWAY before its response', false],
  ])('%s: eight POSTs succeed, each delivered once', async (_title, answersFirst) => {
    const { paths, started, url } = await recordingPeer(async (p, _index, recorded) => {
      await p.handshake()
      const { streamId, path } = await p.nextRequest()
      recorded.push(path)
      if (answersFirst) p.respond(streamId, 200, [], path)
      p.send(goaway(streamId, 0))
      if (answersFirst) return
      // Refused requests are replayed on other connections before this one is answered.
      for (let i = 0; i < 5; i++) await new Promise(setImmediate)
      p.respond(streamId, 200, [], path)
    })
    const client = createClient()
    const answers = await Promise.all(eight.map(async (path) => (await client.request({ url: url(path), ...post })).text()))
    expect(answers).toEqual(eight.map((path) => `/${path}`))
    expect([paths.toSorted(), started.connections]).toEqual([eight.map((path) => `/${path}`), 8])
  })
})

it('after GOAWAY in two steps requests below the first limit are answered, and none is sent twice', async () => {
  const { paths, started, url } = await recordingPeer(async (p, index, recorded) => {
    await p.handshake()
    if (index > 0) for (;;) p.respond((await p.nextRequest()).streamId, 200, [], 'second')
    const first = await p.nextRequest()
    const second = await p.nextRequest()
    recorded.push(first.path, second.path)
    p.send(goaway(LAST, 0))
    p.respond(first.streamId, 200, [], 'first')
    p.send(goaway(first.streamId, 0))
  })
  const client = createClient()
  const both = await Promise.all(['a', 'b'].map(async (path) => (await client.request({ url: url(path), ...post })).text()))
  expect([both, paths, started.connections]).toEqual([['first', 'second'], ['/a', '/b'], 2])
})

it('after GOAWAY without the end of the connection the next request uses another connection', async () => {
  const { started, url } = await recordingPeer(async (p, index) => {
    await p.handshake()
    p.respond((await p.nextRequest()).streamId, 204)
    if (index === 0) p.send(goaway(1, 0))
  })
  const client = createClient()
  await client.request({ url: url() })
  await client.request({ url: url(), ...post })
  expect(started.connections).toBe(2)
})

it('a request that is always refused is sent four times; while others are answered, it is sent until it is accepted', async () => {
  const { paths, url } = await recordingPeer(async (p, _index, recorded) => {
    await p.handshake()
    let refusals = 0
    for (;;) {
      const { streamId, path } = await p.nextRequest()
      recorded.push(path)
      if (path === '/late' && ++refusals < 7) {
        // The server answers another request in the meantime.
        p.respond((await p.nextRequest()).streamId, 204)
        p.send(rstStream(streamId, REFUSED_STREAM))
      } else if (path === '/never') p.send(rstStream(streamId, REFUSED_STREAM))
      else p.respond(streamId, 204)
    }
  })
  const clock = new FakeClock()
  const client = createClient({ clock })
  const never = client.request({ url: url('never'), ...post })
  await expect(whileTimePasses(clock, never)).rejects.toMatchObject({ code: 'ERR_STREAM_REFUSED', processed: 'no' })
  expect(paths).toEqual(Array.from({ length: 4 }, () => '/never'))
  let status = 0
  const lateRequest = client.request({ url: url('late'), ...post }).then((response) => {
    status = response.status
  })
  while (status === 0) {
    await client.request({ url: url('other') })
    clock.advance(100)
  }
  await lateRequest
  expect([status, paths.filter((path) => path === '/late').length]).toEqual([204, 7])
})

it('a headers deadline holds after the delay of a replay, although nothing else has a deadline', async () => {
  const { paths, url } = await recordingPeer(async (p, _index, recorded) => {
    await p.handshake()
    for (let attempt = 1; ; attempt++) {
      const { streamId, path } = await p.nextRequest()
      recorded.push(path)
      // The fourth attempt, after a delay longer than a tick, is not answered.
      if (attempt < 4) p.send(rstStream(streamId, REFUSED_STREAM))
    }
  })
  const clock = new FakeClock()
  const client = createClient({ clock, timeouts: { headers: 5_000 } })
  const request = client.request({ url: url('silent'), ...post })
  await expect(whileTimePasses(clock, request)).rejects.toMatchObject({ name: 'TimeoutError', phase: 'headers' })
  expect(paths).toHaveLength(4)
})

describe('a request with an unknown outcome after a lost connection', () => {
  it.each([
    ['GET', undefined, 2],
    ['GET', 0, 1],
    ['GET', 3, 4],
    ['PUT', 1, 2],
    ['POST', 3, 1],
  ])('of method %s with replay %s is delivered %d times', async (method, replay, expected) => {
    const { paths, url } = await recordingPeer(async (p, _index, recorded) => {
      await p.handshake()
      recorded.push((await p.nextRequest()).path)
      p.socket.destroy()
    })
    const failing = createClient().request({ url: url(), method, ...(replay !== undefined && { replay }) })
    await expect(failing).rejects.toMatchObject({ name: 'ConnectionError', processed: 'unknown' })
    expect(paths).toHaveLength(expected)
  })
})

describe('retry after a status', () => {
  it('waits as long as Retry-After requests, and resolves with the last response', async () => {
    const clock = new FakeClock()
    let requests = 0
    const origin = await server({
      handler: (_request, response) => {
        requests++
        response.writeHead(requests < 3 ? 503 : 200, requests < 3 ? { 'retry-after': '2' } : {})
        response.end(`answer ${requests}`)
      },
    })
    const client = createClient({ clock, retry: true })
    const answer = client.request({ url: `${origin.url('a.test.example')}/` }).then((response) => response.text())
    for (const delivered of [1, 2]) {
      await origin.delivered(delivered)
      // During the delay: one timer for the deadlines, one for the delay.
      while (client.stats().totals.replayed < delivered) await new Promise(setImmediate)
      clock.advance(1_999)
      expect(origin.requests).toHaveLength(delivered)
      clock.advance(1)
    }
    expect(await answer).toBe('answer 3')
    expect(origin.connections).toBe(1)
  })

  it('drops a response that is incomplete at the end of the delay', async () => {
    const clock = new FakeClock()
    const origin = await server({
      handler: (request, response) => {
        response.writeHead(429, { 'retry-after': '1' })
        response.write('never complete')
        request.on('error', () => undefined)
      },
    })
    const client = createClient({ clock })
    const answer = client.request({ url: `${origin.url('a.test.example')}/`, retry: { attempts: 2 } })
    await origin.delivered(1)
    while (client.stats().totals.replayed < 1) await new Promise(setImmediate)
    clock.advance(1_000)
    const response = await answer
    expect([response.status, origin.requests.length]).toEqual([429, 2])
    expect(client.stats().connections[0]!.active).toBe(1)
    await response.body.return?.()
  })

  it('ends at an abort or a deadline during the delay, and leaves nothing behind', async () => {
    const clock = new FakeClock()
    const origin = await server({
      handler: (_request, response) => {
        response.writeHead(503, { 'retry-after': '20' })
        response.end()
      },
    })
    const client = createClient({ clock, retry: true })
    const url = `${origin.url('a.test.example')}/`
    const abort = new AbortController()
    const aborted = client.request({ url, signal: abort.signal })
    const lateRequest = client.request({ url, timeouts: { total: 3_000 } })
    for (const each of [aborted, lateRequest]) each.catch(() => undefined)
    while (client.stats().totals.replayed < 2) await new Promise(setImmediate)
    abort.abort('enough')
    await expect(aborted).rejects.toBe('enough')
    clock.advance(3_050)
    await expect(lateRequest).rejects.toMatchObject({ name: 'TimeoutError', phase: 'total', processed: 'unknown' })
    expect(clock.referenced).toBe(0)
    expect(origin.requests).toHaveLength(2)
  })

  it('is off by default, and applies to a POST only with an idempotency key', async () => {
    const origin = await server({
      handler: (_request, response) => {
        response.writeHead(503, { 'retry-after': '0' })
        response.end()
      },
    })
    const url = `${origin.url('a.test.example')}/`
    const client = createClient()
    const statusOf = async (options: Partial<RequestOptions>): Promise<number> => {
      const before = origin.requests.length
      expect((await client.request({ url, ...options })).status).toBe(503)
      return origin.requests.length - before
    }
    expect(await statusOf({})).toBe(1)
    expect(await statusOf({ ...post, retry: true })).toBe(1)
    expect(await statusOf({ ...post, retry: true, headers: { 'idempotency-key': '1' } })).toBe(3)
    expect(await statusOf({ retry: { statuses: [500] } })).toBe(1)
    await expect(client.request({ url, retry: { attempts: 0 } })).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
    await expect(client.request({ url, replay: -1 })).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
  })
})

describe('an idle HTTP/1.1 connection yields one event-loop turn before reuse', () => {
  it('so that an unsolicited response is not the next response: the connection ends', async () => {
    const { createServer } = await import('node:net')
    const sockets: import('node:net').Socket[] = []
    const tcp = createServer((socket) => {
      sockets.push(socket)
      const number = sockets.length
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nright ${number}`))
    })
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
    fixture.defer(() => {
      for (const socket of sockets) socket.destroy()
      tcp.close()
    })
    const client = createClient()
    const url = `http://a.test.example:${(tcp.address() as import('node:net').AddressInfo).port}/`
    expect(await (await client.request({ url })).text()).toBe('right 1')
    const arrived = new Promise<void>((resolve) => {
      sockets[0]!.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong', () => resolve())
    })
    await arrived
    // This turn is busy from here on: the bytes are not read before the request starts.
    for (const end = performance.now() + 50; performance.now() < end; );
    expect(await (await client.request({ url, ...post })).text()).toBe('right 2')
  })
})

it('a POST refused by three closing connections is replayed until it is answered', async () => {
  const { paths, started, url } = await recordingPeer(async (p, index, recorded) => {
    await p.handshake()
    for (;;) {
      const { streamId, path } = await p.nextRequest()
      if (path === '/last' && index < 3) return p.send(goaway(0, 0))
      recorded.push(path)
      p.respond(streamId, 200, [], path)
    }
  })
  const clock = new FakeClock(1)
  const client = createClient({ minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: 3, clock })
  await client.warm([url()])
  while (started.connections < 3 || client.stats().connections.length < 3) await new Promise(setImmediate)
  const last = client.request({ url: url('last'), ...post })
  let settled = false
  const settle = (): void => {
    settled = true
  }
  last.then(settle, settle)
  while (!settled) {
    clock.advance(1)
    await new Promise(setImmediate)
  }
  expect(await (await last).text()).toBe('/last')
  expect(paths).toEqual(['/last'])
})

it('a request refused twice by full connections waits for capacity and is answered', async () => {
  const held: (() => void)[] = []
  const { paths, started, url } = await recordingPeer(async (p, index, recorded) => {
    await p.preface()
    await p.next('SETTINGS')
    // All requests are sent before the server announces that it accepts one.
    const requests = [await p.nextRequest(), await p.nextRequest()]
    if (index === 0) requests.push(await p.nextRequest())
    p.send(frames.settings({ maxConcurrentStreams: 1 }), frames.settingsAck())
    for (const { streamId } of requests.slice(1)) p.send(rstStream(streamId, REFUSED_STREAM))
    const answer = ({ streamId, path }: { streamId: number; path: string }): void => {
      recorded.push(path)
      p.respond(streamId, 200, [], path)
    }
    held.push(() => answer(requests[0]!))
    for (;;) answer(await p.nextRequest())
  })
  const clock = new FakeClock(1)
  const client = createClient({ maxConnectionsPerOrigin: 2, clock })
  const all = ['a', 'b', 'c'].map(async (path) => (await client.request({ url: url(path), ...post })).text())
  while (held.length < 2 || client.stats().totals.replayed < 3) await new Promise(setImmediate)
  for (const release of held) release()
  const outcomes = Promise.allSettled(all)
  let settled = false
  void outcomes.then(() => {
    settled = true
  })
  while (!settled) {
    clock.advance(1)
    await new Promise(setImmediate)
  }
  expect(await Promise.all(all)).toEqual(['/a', '/b', '/c'])
  expect([paths.toSorted(), started.connections]).toEqual([['/a', '/b', '/c'], 2])
})
