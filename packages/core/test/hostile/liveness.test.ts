/** G11 PING never acknowledged (half-open TCP): the PING that follows a reset shows whether anybody is there. */

import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import type { Client } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'

const world = clientFixture()
const RESET_PING = Buffer.from('resetack')

/** Two requests are with the server; the first one is given up. Resolves when the server has its RST_STREAM and the PING. */
async function oneIsGivenUp(
  how: 'abort' | 'timeout',
  answer: (p: ScriptedConnection) => void,
): Promise<{ clock: FakeClock; one: Client; url: string; other: Promise<string> }> {
  const clock = new FakeClock()
  let asked!: () => void
  let probed!: () => void
  const bothAsked = new Promise<void>((resolve) => {
    asked = resolve
  })
  const pinged = new Promise<void>((resolve) => {
    probed = resolve
  })
  const peer = await world.peer(async (p, index) => {
    await p.handshake({ maxConcurrentStreams: 2 })
    if (index === 0) p.respond((await p.nextRequest()).streamId, 204)
    if (index > 0) for (;;) p.respond((await p.nextRequest()).streamId, 200, [], 'from another connection')
    await p.nextRequest()
    await p.nextRequest()
    asked()
    await p.next('RST_STREAM')
    expect((await p.next('PING')).payload).toEqual(RESET_PING)
    answer(p)
    probed()
  })
  world.defer(() => expect(peer.failures).toEqual([]))
  // Of a long silence while idle: h2/liveness.test.ts.
  const one = world.client({ clock, verifyAfterIdleMs: 0 })
  const url = `https://a.test.example:${peer.port}/`
  // SETTINGS have come by then.
  await one.request({ url })
  const abort = new AbortController()
  const first = one.request({ url, timeouts: { headers: 1_000 }, signal: abort.signal })
  const other = one.request({ url }).then((response) => response.text())
  for (const each of [first, other]) each.catch(() => undefined)
  await bothAsked
  if (how === 'abort') {
    abort.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
  } else {
    clock.advance(1_100)
    await expect(first).rejects.toMatchObject({ name: 'TimeoutError', phase: 'headers' })
  }
  await pinged
  return { clock, one, url, other }
}

it('G11 no answer and no other byte: new requests go elsewhere after 10 s, and after 45 s what may be sent again', async () => {
  const { clock, one, url, other } = await oneIsGivenUp('abort', () => undefined)
  await clock.pass(10_000)
  expect(await (await one.request({ url })).text()).toBe('from another connection')
  expect(one.stats().totals).toMatchObject({ dials: 2, replayed: 0 })
  await clock.pass(35_000)
  expect(await other).toBe('from another connection')
  expect(one.stats().totals).toMatchObject({ replayed: 1 })
})

it('G11 a peer that has answered the PING and dies then: no second PING for 5 minutes, and other connections after a minute', async () => {
  const { clock, one, url, other } = await oneIsGivenUp('abort', (p) => {
    p.send(frames.ping(RESET_PING, true))
    void p.next('PING').then(({ payload }) => p.send(frames.ping(payload, true)))
  })
  // The answer has been read when this one is.
  await one.ping(url)
  const abort = new AbortController()
  const second = one.request({ url, signal: abort.signal })
  // Its place was free again: it is on the first connection, and no second PING may be sent.
  abort.abort(new Error('enough'))
  await expect(second).rejects.toThrow('enough')
  await clock.pass(75_000)
  expect(await (await one.request({ url })).text()).toBe('from another connection')
  await clock.pass(300_000)
  expect(await other).toBe('from another connection')
})

describe('a request that ran out of time', () => {
  it('no answer to the PING within 10 s: what waited uses another connection; what was sent may take 45 s, and is sent again then', async () => {
    const { clock, one, url, other } = await oneIsGivenUp('timeout', () => undefined)
    const next = one.request({ url, method: 'POST', body: 'x' })
    await new Promise(setImmediate)
    // Nothing is sent after it, and no other connection is made, before it is known.
    expect(one.stats()).toMatchObject({ totals: { dials: 1 }, pools: [{ queued: 1 }] })
    await clock.pass(10_000)
    expect(await (await next).text()).toBe('from another connection')
    // The POST had not been tried.
    expect(one.stats().totals).toMatchObject({ dials: 2, replayed: 0 })
    await clock.pass(35_000)
    expect(await other).toBe('from another connection')
    expect(one.stats().totals).toMatchObject({ dials: 2, replayed: 1 })
  })

  it.each([
    ['the answer', (p: ScriptedConnection) => p.send(frames.ping(RESET_PING, true))],
    ['another response', (p: ScriptedConnection) => p.respond(5, 200, [], 'late')],
  ])('%s in time: the connection goes on', async (_title, word) => {
    let server!: ScriptedConnection
    const { clock, one, url, other } = await oneIsGivenUp('timeout', (p) => {
      server = p
    })
    const next = one.request({ url })
    word(server)
    server.respond((await server.nextRequest()).streamId, 204)
    expect((await next).status).toBe(204)
    clock.advance(6_000)
    await new Promise(setImmediate)
    expect(one.stats().totals).toMatchObject({ dials: 1, replayed: 0 })
    other.catch(() => undefined)
  })
})

it('an answer in time: nothing happens', async () => {
  let server!: ScriptedConnection
  const { clock, one, other } = await oneIsGivenUp('abort', (p) => {
    server = p
    p.send(frames.ping(RESET_PING, true))
    p.respond(5, 200, [], 'from the first')
  })
  expect(await other).toBe('from the first')
  clock.advance(20_000)
  const again = one.request({ url: `https://a.test.example:${server.socket.localPort}/` })
  server.respond((await server.nextRequest()).streamId, 204)
  expect((await again).status).toBe(204)
  expect(one.stats().totals.dials).toBe(1)
})

it('a peer that answers requests and no PINGs is asked no more, and its places are free again', async () => {
  let server!: ScriptedConnection
  const { clock, one, other } = await oneIsGivenUp('abort', (p) => {
    server = p
    p.respond(5, 200, [], 'from the first')
  })
  expect(await other).toBe('from the first')
  clock.advance(10_000)
  const url = `https://a.test.example:${server.socket.localPort}/`
  const both = [1, 2].map(async () => (await one.request({ url })).text())
  for (let i = 0; i < 2; i++) server.respond((await server.nextRequest()).streamId, 200, [], `again ${i}`)
  expect(await Promise.all(both)).toEqual(['again 0', 'again 1'])
  expect(one.stats().totals.dials).toBe(1)
})

it('a process that was busy reads first: what has arrived by then counts', async () => {
  const clock = new FakeClock()
  let told!: () => void
  const written = new Promise<void>((resolve) => {
    told = resolve
  })
  const peer = await world.peer(
    async (p) => {
      await p.preface()
      // All at once, and all of it waits in the socket while this turn goes on.
      p.socket.write(Buffer.concat([frames.settings({}), frames.settingsAck()]), () => {
        // The timer is due when the busy turn ends, and timers run before the next read.
        setTimeout(() => {
          clock.advance(10_000)
          told()
        }, 0)
        for (const end = performance.now() + 5; performance.now() < end; );
      })
      p.respond((await p.nextRequest()).streamId, 204)
    },
    { tls: undefined },
  )
  const one = world.client({ clock, cleartextProtocol: 'h2', timeouts: { connect: 0 } })
  const response = one.request({ url: `http://a.test.example:${peer.port}/` })
  await written
  expect((await response).status).toBe(204)
})

it('health checks of 500 ms on a server that is busy for 40 s do not end the POST beside them', async () => {
  const clock = new FakeClock()
  let server!: ScriptedConnection
  let asked!: () => void
  const posted = new Promise<void>((resolve) => {
    asked = resolve
  })
  const peer = await world.peer(async (p, index) => {
    await p.handshake()
    if (index > 0) for (;;) p.respond((await p.nextRequest()).streamId, 200, [], 'healthy')
    server = p
    await p.nextRequest()
    asked()
    // Busy: nothing is read, and nothing sent.
    await p.closed
  })
  const one = world.client({ clock })
  const url = `https://a.test.example:${peer.port}/`
  const post = one.request({ url, method: 'POST', body: 'x' })
  await posted
  for (let second = 0; second < 40; second++) {
    one.request({ url, timeouts: { headers: 500, queue: 500 } }).then(
      (response) => response.discard(),
      () => undefined,
    )
    await clock.pass(1_000)
  }
  server.respond(1, 200, [], 'done at last')
  expect(await (await post).text()).toBe('done at last')
})
