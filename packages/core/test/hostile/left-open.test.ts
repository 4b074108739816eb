/**
 * Connections that stay open but are unusable: no stream is allowed, or GOAWAY reported an error.
 */

import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import { clientFixture } from '../client/fixture.js'
import { gate, response, serve, until } from './fixture.js'

const { client: createClient, peer } = clientFixture()

describe('SETTINGS_MAX_CONCURRENT_STREAMS 0', () => {
  it('in the first SETTINGS of every connection: the request fails after two dials, with processed: no', async () => {
    const clock = new FakeClock()
    const started = await peer(async (p) => {
      await p.handshake({ maxConcurrentStreams: 0 })
      await p.closed
    })
    const client = createClient({ clock, waitForSettings: true })
    const failing = client.request({ url: `https://a.test.example:${started.port}/` })
    let settled = false
    failing.catch(() => {
      settled = true
    })
    await until(() => {
      clock.advance(10)
      return settled
    })
    await expect(failing).rejects.toMatchObject({ name: 'ConnectionError', processed: 'no' })
    expect(started.connections).toBe(2)
  })

  it('during a request: requests in flight finish, and new ones use another connection', async () => {
    const clock = new FakeClock()
    const ready = gate<ScriptedConnection>()
    const started = await peer(async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      p.respond((await p.nextRequest()).streamId, 204)
      await p.nextRequest()
      p.send(frames.settings({ maxConcurrentStreams: 0 }))
      await p.next('SETTINGS')
      ready.open(p)
    })
    const client = createClient({ clock })
    const url = `https://a.test.example:${started.port}/`
    await client.request({ url })
    const inFlight = client.request({ url })
    const server = await ready.promise
    const next = client.request({ url })
    await clock.pass(1_000)
    expect((await next).status).toBe(204)
    expect(started.connections).toBe(2)
    server.respond(3, 200)
    expect((await inFlight).status).toBe(200)
  })

  it('followed by a higher limit within a second: the request waits for it', async () => {
    const clock = new FakeClock()
    const started = await peer(async (p) => {
      await p.handshake({ maxConcurrentStreams: 0 })
      p.send(frames.settings({ maxConcurrentStreams: 10 }))
      await serve(p)
    })
    const client = createClient({ clock, waitForSettings: true })
    expect((await client.request({ url: `https://a.test.example:${started.port}/` })).status).toBe(204)
    expect(started.connections).toBe(1)
  })
})

describe('GOAWAY on a socket that stays open (RFC 9113 §6.8)', () => {
  it('with an error code: streams up to its last stream finish while they receive bytes, and fail after 30 s without', async () => {
    const clock = new FakeClock()
    const ready = gate<ScriptedConnection>()
    const started = await peer(async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      await p.nextRequest()
      await p.nextRequest()
      p.send(response(1), frames.goaway(3, 0x2))
      ready.open(p)
      await p.closed
    })
    const client = createClient({ clock })
    const url = `https://a.test.example:${started.port}/`
    const moving = client.request({ url, method: 'POST' })
    const stuck = client.request({ url, method: 'POST' })
    stuck.catch(() => undefined)
    const server = await ready.promise
    let text = ''
    const reading = (async () => {
      for await (const part of (await moving).body) text += Buffer.from(part).toString()
    })()
    for (let i = 1; i <= 8; i++) {
      await clock.pass(5_000)
      server.send(frames.data(1, 'x'))
      await until(() => text.length === i)
    }
    await expect(stuck).rejects.toMatchObject({ name: 'StreamError', errorCode: 0x2, initiator: 'peer', processed: 'unknown' })
    server.send(frames.data(1, '', { endStream: true }))
    await reading
    expect(text).toBe('xxxxxxxx')
  })

  it('below a stream that was answered: the streams above may have been processed', async () => {
    const started = await peer(async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      p.respond((await p.nextRequest()).streamId, 204)
      await p.nextRequest()
      p.send(frames.goaway(0, 0))
      await p.closed
    })
    const client = createClient()
    const url = `https://a.test.example:${started.port}/`
    await client.request({ url })
    await expect(client.request({ url, method: 'POST' })).rejects.toMatchObject({ processed: 'unknown' })
    expect(started.connections).toBe(1)
    // An idempotent request is sent again.
    expect((await client.request({ url })).status).toBe(204)
  })
})
