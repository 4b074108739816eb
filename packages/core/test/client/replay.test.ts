// Which requests are replayed, and how often: counted at the server.
import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import type { RequestOptions } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const world = clientFixture()
const { client, peer, server } = world
const { goaway, rstStream } = frames
const REFUSED_STREAM = 7
const LAST = 0x7fff_ffff

/** A peer that records the path of each request. */
async function noting(script: (p: ScriptedConnection, index: number, seen: string[]) => Promise<void>) {
  const seen: string[] = []
  const started = await peer((p, index) => script(p, index, seen))
  world.defer(() => expect(started.failures).toEqual([]))
  return { seen, started, url: (path = '') => `https://a.test.example:${started.port}/${path}` }
}

const post: Partial<RequestOptions> = { method: 'POST', body: 'x' }

describe('a server that accepts one request per connection', () => {
  const eight = Array.from({ length: 8 }, (_, i) => String(i))

  it.each([
    ['sends GOAWAY after its response', true],
    ['sends GOAWAY before its response', false],
  ])('%s: eight POSTs succeed, each delivered once', async (_title, answersFirst) => {
    const { seen, started, url } = await noting(async (p, _index, taken) => {
      await p.handshake()
      const { streamId, path } = await p.nextRequest()
      taken.push(path)
      if (answersFirst) p.respond(streamId, 200, [], path)
      p.send(goaway(streamId, 0))
      if (answersFirst) return
      // Refused requests are sent elsewhere before this one is answered.
      for (let i = 0; i < 5; i++) await new Promise(setImmediate)
      p.respond(streamId, 200, [], path)
    })
    const one = client()
    const answers = await Promise.all(eight.map(async (path) => (await one.request({ url: url(path), ...post })).text()))
    expect(answers).toEqual(eight.map((path) => `/${path}`))
    expect([seen.toSorted(), started.connections]).toEqual([eight.map((path) => `/${path}`), 8])
  })
})

it('two-step GOAWAY: requests below the first limit are answered here, and nothing is sent twice', async () => {
  const { seen, started, url } = await noting(async (p, index, taken) => {
    await p.handshake()
    if (index > 0) for (;;) p.respond((await p.nextRequest()).streamId, 200, [], 'second')
    const first = await p.nextRequest()
    const second = await p.nextRequest()
    taken.push(first.path, second.path)
    p.send(goaway(LAST, 0))
    p.respond(first.streamId, 200, [], 'first')
    p.send(goaway(first.streamId, 0))
  })
  const one = client()
  const both = await Promise.all(['a', 'b'].map(async (path) => (await one.request({ url: url(path), ...post })).text()))
  expect([both, seen, started.connections]).toEqual([['first', 'second'], ['/a', '/b'], 2])
})

it('GOAWAY without closing the socket: the next request uses another connection', async () => {
  const { started, url } = await noting(async (p, index) => {
    await p.handshake()
    p.respond((await p.nextRequest()).streamId, 204)
    if (index === 0) p.send(goaway(1, 0))
  })
  const one = client()
  await one.request({ url: url() })
  await one.request({ url: url(), ...post })
  expect(started.connections).toBe(2)
})

it('refused forever: two attempts; refused while others are answered: until it is taken', async () => {
  const { seen, url } = await noting(async (p, _index, taken) => {
    await p.handshake()
    let refusals = 0
    for (;;) {
      const { streamId, path } = await p.nextRequest()
      taken.push(path)
      if (path === '/late' && ++refusals < 5) {
        // Another request is answered in the meantime.
        p.respond((await p.nextRequest()).streamId, 204)
        p.send(rstStream(streamId, REFUSED_STREAM))
      } else if (path === '/never') p.send(rstStream(streamId, REFUSED_STREAM))
      else p.respond(streamId, 204)
    }
  })
  const clock = new FakeClock()
  const one = client({ clock })
  await expect(one.request({ url: url('never'), ...post })).rejects.toMatchObject({ code: 'ERR_STREAM_REFUSED', processed: 'no' })
  expect(seen).toEqual(['/never', '/never'])
  let status = 0
  const late = one.request({ url: url('late'), ...post }).then((response) => {
    status = response.status
  })
  while (status === 0) {
    await one.request({ url: url('other') })
    clock.advance(100)
  }
  await late
  expect([status, seen.filter((path) => path === '/late').length]).toEqual([204, 5])
})

describe('a lost connection with an unknown outcome', () => {
  it.each([
    ['GET', undefined, 2],
    ['GET', 0, 1],
    ['GET', 3, 4],
    ['PUT', 1, 2],
    ['POST', 3, 1],
  ])('%s with replay %s is delivered %d times', async (method, replay, expected) => {
    const { seen, url } = await noting(async (p, _index, taken) => {
      await p.handshake()
      taken.push((await p.nextRequest()).path)
      p.socket.destroy()
    })
    const failing = client().request({ url: url(), method, ...(replay !== undefined && { replay }) })
    await expect(failing).rejects.toMatchObject({ name: 'ConnectionError', processed: 'unknown' })
    expect(seen).toHaveLength(expected)
  })
})

describe('retry', () => {
  it('waits as long as the server asks, and resolves with the last response', async () => {
    const clock = new FakeClock()
    let asked = 0
    const origin = await server({
      handler: (_request, response) => {
        asked++
        response.writeHead(asked < 3 ? 503 : 200, asked < 3 ? { 'retry-after': '2' } : {})
        response.end(`answer ${asked}`)
      },
    })
    const one = client({ clock, retry: true })
    const answer = one.request({ url: `${origin.url('a.test.example')}/` }).then((response) => response.text())
    for (const delivered of [1, 2]) {
      await origin.delivered(delivered)
      // During the pause: one timer for the deadlines, one for the pause.
      while (one.stats().totals.replayed < delivered) await new Promise(setImmediate)
      clock.advance(1_999)
      expect(origin.requests).toHaveLength(delivered)
      clock.advance(1)
    }
    expect(await answer).toBe('answer 3')
    expect(origin.connections).toBe(1)
  })

  it('a response longer than the pause is dropped with its attempt', async () => {
    const clock = new FakeClock()
    const origin = await server({
      handler: (request, response) => {
        response.writeHead(429, { 'retry-after': '1' })
        response.write('never complete')
        request.on('error', () => undefined)
      },
    })
    const one = client({ clock })
    const answer = one.request({ url: `${origin.url('a.test.example')}/`, retry: { attempts: 2 } })
    await origin.delivered(1)
    while (one.stats().totals.replayed < 1) await new Promise(setImmediate)
    clock.advance(1_000)
    const response = await answer
    expect([response.status, origin.requests.length]).toEqual([429, 2])
    expect(one.stats().connections[0]!.active).toBe(1)
    await response.body.return?.()
  })

  it('an abort and a deadline end the pause, and leave nothing behind', async () => {
    const clock = new FakeClock()
    const origin = await server({
      handler: (_request, response) => {
        response.writeHead(503, { 'retry-after': '20' })
        response.end()
      },
    })
    const one = client({ clock, retry: true })
    const url = `${origin.url('a.test.example')}/`
    const abort = new AbortController()
    const aborted = one.request({ url, signal: abort.signal })
    const late = one.request({ url, timeouts: { total: 3_000 } })
    for (const each of [aborted, late]) each.catch(() => undefined)
    while (one.stats().totals.replayed < 2) await new Promise(setImmediate)
    abort.abort('enough')
    await expect(aborted).rejects.toBe('enough')
    clock.advance(3_050)
    await expect(late).rejects.toMatchObject({ name: 'TimeoutError', phase: 'total', processed: 'unknown' })
    expect(clock.referenced).toBe(0)
    expect(origin.requests).toHaveLength(2)
  })

  it('off by default; a POST only with an idempotency key', async () => {
    const origin = await server({
      handler: (_request, response) => {
        response.writeHead(503, { 'retry-after': '0' })
        response.end()
      },
    })
    const url = `${origin.url('a.test.example')}/`
    const one = client()
    const statusOf = async (options: Partial<RequestOptions>): Promise<number> => {
      const before = origin.requests.length
      expect((await one.request({ url, ...options })).status).toBe(503)
      return origin.requests.length - before
    }
    expect(await statusOf({})).toBe(1)
    expect(await statusOf({ ...post, retry: true })).toBe(1)
    expect(await statusOf({ ...post, retry: true, headers: { 'idempotency-key': '1' } })).toBe(3)
    expect(await statusOf({ retry: { statuses: [500] } })).toBe(1)
    await expect(one.request({ url, retry: { attempts: 0 } })).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
    await expect(one.request({ url, replay: -1 })).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
  })
})

describe('HTTP/1.1: an idle connection yields one event-loop turn before reuse', () => {
  it('an answer that was sent ahead is not the next request’s: the connection goes, and nobody gets it', async () => {
    const { createServer } = await import('node:net')
    const sockets: import('node:net').Socket[] = []
    const tcp = createServer((socket) => {
      sockets.push(socket)
      const number = sockets.length
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nright ${number}`))
    })
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
    world.defer(() => {
      for (const socket of sockets) socket.destroy()
      tcp.close()
    })
    const one = client()
    const url = `http://a.test.example:${(tcp.address() as import('node:net').AddressInfo).port}/`
    expect(await (await one.request({ url })).text()).toBe('right 1')
    const arrived = new Promise<void>((resolve) => {
      sockets[0]!.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong', () => resolve())
    })
    await arrived
    // This turn has been busy since: the socket's bytes have not been read when the request starts.
    for (const end = performance.now() + 50; performance.now() < end; );
    expect(await (await one.request({ url, ...post })).text()).toBe('right 2')
  })
})

it('older connections that are closing prove nothing about the origin: a POST meets three of them, and is answered', async () => {
  const { seen, started, url } = await noting(async (p, index, taken) => {
    await p.handshake()
    for (;;) {
      const { streamId, path } = await p.nextRequest()
      if (path === '/last' && index < 3) return p.send(goaway(0, 0))
      taken.push(path)
      p.respond(streamId, 200, [], path)
    }
  })
  const clock = new FakeClock(1)
  const one = client({ minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: 3, clock })
  await one.warm([url()])
  while (started.connections < 3 || one.stats().connections.length < 3) await new Promise(setImmediate)
  const last = one.request({ url: url('last'), ...post })
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
  expect(seen).toEqual(['/last'])
})

it('a request refused twice by full connections waits for capacity, and is answered', async () => {
  const held: (() => void)[] = []
  const { seen, started, url } = await noting(async (p, index, taken) => {
    await p.preface()
    await p.next('SETTINGS')
    // All requests are sent before the server announces that it takes one.
    const requests = [await p.nextRequest(), await p.nextRequest()]
    if (index === 0) requests.push(await p.nextRequest())
    p.send(frames.settings({ maxConcurrentStreams: 1 }), frames.settingsAck())
    for (const { streamId } of requests.slice(1)) p.send(rstStream(streamId, REFUSED_STREAM))
    const answer = ({ streamId, path }: { streamId: number; path: string }): void => {
      taken.push(path)
      p.respond(streamId, 200, [], path)
    }
    held.push(() => answer(requests[0]!))
    for (;;) answer(await p.nextRequest())
  })
  const clock = new FakeClock(1)
  const one = client({ maxConnectionsPerOrigin: 2, clock })
  const all = ['a', 'b', 'c'].map(async (path) => (await one.request({ url: url(path), ...post })).text())
  while (held.length < 2 || one.stats().totals.replayed < 3) await new Promise(setImmediate)
  for (const release of held) release()
  const over = Promise.allSettled(all)
  let settled = false
  void over.then(() => {
    settled = true
  })
  while (!settled) {
    clock.advance(1)
    await new Promise(setImmediate)
  }
  expect(await Promise.all(all)).toEqual(['/a', '/b', '/c'])
  expect([seen.toSorted(), started.connections]).toEqual([['/a', '/b', '/c'], 2])
})
