/**
 * A peer that stops answering, such as on half-open TCP (G11): the PING after a reset verifies the
 * connection.
 */

import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import type { Client } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'

const world = clientFixture()
const RESET_PING = Buffer.from('resetack')

/**
 * Sends two requests and ends the first; resolves when the server has received its RST_STREAM and
 * the PING.
 */
async function endFirstRequest(
  how: 'abort' | 'timeout',
  answer: (p: ScriptedConnection) => void,
): Promise<{ clock: FakeClock; client: Client; url: string; sibling: Promise<string> }> {
  const clock = new FakeClock()
  let resolveRequests!: () => void
  let resolvePing!: () => void
  const requestsArrived = new Promise<void>((resolve) => {
    resolveRequests = resolve
  })
  const pingArrived = new Promise<void>((resolve) => {
    resolvePing = resolve
  })
  const peer = await world.peer(async (p, index) => {
    await p.handshake({ maxConcurrentStreams: 2 })
    if (index === 0) p.respond((await p.nextRequest()).streamId, 204)
    if (index > 0) for (;;) p.respond((await p.nextRequest()).streamId, 200, [], 'from another connection')
    await p.nextRequest()
    await p.nextRequest()
    resolveRequests()
    await p.next('RST_STREAM')
    expect((await p.next('PING')).payload).toEqual(RESET_PING)
    answer(p)
    resolvePing()
  })
  world.defer(() => expect(peer.failures).toEqual([]))
  // Verification after an idle time is tested in h2/health/liveness.test.ts.
  const client = world.client({ clock, verifyAfterIdleMs: 0 })
  const url = `https://a.test.example:${peer.port}/`
  // SETTINGS have arrived when this request completes.
  await client.request({ url })
  const abort = new AbortController()
  const first = client.request({ url, timeouts: { headers: 1_000 }, signal: abort.signal })
  const sibling = client.request({ url }).then((response) => response.text())
  for (const each of [first, sibling]) each.catch(() => undefined)
  await requestsArrived
  if (how === 'abort') {
    abort.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
  } else {
    clock.advance(1_100)
    await expect(first).rejects.toMatchObject({ name: 'TimeoutError', phase: 'headers' })
  }
  await pingArrived
  return { clock, client, url, sibling }
}

it('without a byte new requests use another connection after 10 s, and sent ones are repeated after 45 s (G11)', async () => {
  const { clock, client, url, sibling } = await endFirstRequest('abort', () => undefined)
  await clock.pass(10_000)
  expect(await (await client.request({ url })).text()).toBe('from another connection')
  expect(client.stats().totals).toMatchObject({ dials: 2, replayed: 0 })
  await clock.pass(35_000)
  expect(await sibling).toBe('from another connection')
  expect(client.stats().totals).toMatchObject({ replayed: 1 })
})

it('a peer that stops after its PING acknowledgement: other connections after a minute, no PING for 5 minutes (G11)', async () => {
  const { clock, client, url, sibling } = await endFirstRequest('abort', (p) => {
    p.send(frames.ping(RESET_PING, true))
    void p.next('PING').then(({ payload }) => p.send(frames.ping(payload, true)))
  })
  // This acknowledgement arrives after that of the PING.
  await client.ping(url)
  const abort = new AbortController()
  const second = client.request({ url, signal: abort.signal })
  // Its slot was free, so it uses the first connection, and no second PING may be sent.
  abort.abort(new Error('enough'))
  await expect(second).rejects.toThrow('enough')
  await clock.pass(75_000)
  expect(await (await client.request({ url })).text()).toBe('from another connection')
  await clock.pass(300_000)
  expect(await sibling).toBe('from another connection')
})

describe('a request that timed out', () => {
  it('without a PING acknowledgement queued requests use another connection after 10 s, and sent ones after 45 s', async () => {
    const { clock, client, url, sibling } = await endFirstRequest('timeout', () => undefined)
    const next = client.request({ url, method: 'POST', body: 'x' })
    await new Promise(setImmediate)
    // Until the peer answers, no request is sent and no connection is dialed.
    expect(client.stats()).toMatchObject({ totals: { dials: 1 }, pools: [{ queued: 1 }] })
    await clock.pass(10_000)
    expect(await (await next).text()).toBe('from another connection')
    // The POST had not been sent.
    expect(client.stats().totals).toMatchObject({ dials: 2, replayed: 0 })
    await clock.pass(35_000)
    expect(await sibling).toBe('from another connection')
    expect(client.stats().totals).toMatchObject({ dials: 2, replayed: 1 })
  })

  it.each([
    ['the acknowledgement', (p: ScriptedConnection) => p.send(frames.ping(RESET_PING, true))],
    ['another response', (p: ScriptedConnection) => p.respond(5, 200, [], 'late')],
  ])('%s in time keeps the connection in use', async (_title, answer) => {
    let server!: ScriptedConnection
    const { clock, client, url, sibling } = await endFirstRequest('timeout', (p) => {
      server = p
    })
    const next = client.request({ url })
    answer(server)
    server.respond((await server.nextRequest()).streamId, 204)
    expect((await next).status).toBe(204)
    clock.advance(6_000)
    await new Promise(setImmediate)
    expect(client.stats().totals).toMatchObject({ dials: 1, replayed: 0 })
    sibling.catch(() => undefined)
  })
})

it('an acknowledgement in time keeps the connection in use after an abort', async () => {
  let server!: ScriptedConnection
  const { clock, client, sibling } = await endFirstRequest('abort', (p) => {
    server = p
    p.send(frames.ping(RESET_PING, true))
    p.respond(5, 200, [], 'from the first')
  })
  expect(await sibling).toBe('from the first')
  clock.advance(20_000)
  const again = client.request({ url: `https://a.test.example:${server.socket.localPort}/` })
  server.respond((await server.nextRequest()).streamId, 204)
  expect((await again).status).toBe(204)
  expect(client.stats().totals.dials).toBe(1)
})

it('a peer that answers requests and no PING keeps the connection, and its slots are free again', async () => {
  let server!: ScriptedConnection
  const { clock, client, sibling } = await endFirstRequest('abort', (p) => {
    server = p
    p.respond(5, 200, [], 'from the first')
  })
  expect(await sibling).toBe('from the first')
  clock.advance(10_000)
  const url = `https://a.test.example:${server.socket.localPort}/`
  const both = [1, 2].map(async () => (await client.request({ url })).text())
  for (let i = 0; i < 2; i++) server.respond((await server.nextRequest()).streamId, 200, [], `again ${i}`)
  expect(await Promise.all(both)).toEqual(['again 0', 'again 1'])
  expect(client.stats().totals.dials).toBe(1)
})

it('a busy process reads received bytes before it applies a deadline', async () => {
  const clock = new FakeClock()
  let markWritten!: () => void
  const written = new Promise<void>((resolve) => {
    markWritten = resolve
  })
  const peer = await world.peer(
    async (p) => {
      await p.preface()
      // One write, which stays in the socket until this turn ends.
      p.socket.write(Buffer.concat([frames.settings({}), frames.settingsAck()]), () => {
        // The timer is due at the end of the busy turn, and timers run before the next read.
        setTimeout(() => {
          clock.advance(10_000)
          markWritten()
        }, 0)
        for (const end = performance.now() + 5; performance.now() < end; );
      })
      p.respond((await p.nextRequest()).streamId, 204)
    },
    { tls: undefined },
  )
  const client = world.client({ clock, cleartextProtocol: 'h2', timeouts: { connect: 0 } })
  const response = client.request({ url: `http://a.test.example:${peer.port}/` })
  await written
  expect((await response).status).toBe(204)
})

it('health checks of 500 ms on a server that is busy for 40 s do not end the POST beside them', async () => {
  const clock = new FakeClock()
  let server!: ScriptedConnection
  let resolveRequests!: () => void
  const posted = new Promise<void>((resolve) => {
    resolveRequests = resolve
  })
  const peer = await world.peer(async (p, index) => {
    await p.handshake()
    if (index > 0) for (;;) p.respond((await p.nextRequest()).streamId, 200, [], 'healthy')
    server = p
    await p.nextRequest()
    resolveRequests()
    // The server is busy: it reads and sends no byte.
    await p.closed
  })
  const client = world.client({ clock })
  const url = `https://a.test.example:${peer.port}/`
  const post = client.request({ url, method: 'POST', body: 'x' })
  await posted
  for (let second = 0; second < 40; second++) {
    client.request({ url, timeouts: { headers: 500, queue: 500 } }).then(
      (response) => response.discard(),
      () => undefined,
    )
    await clock.pass(1_000)
  }
  server.respond(1, 200, [], 'done at last')
  expect(await (await post).text()).toBe('done at last')
})
