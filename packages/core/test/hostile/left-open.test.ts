/** Connections that stay open and are of no use: no stream is allowed, or an error was found and nothing more happens. */

import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import { clientFixture } from '../client/fixture.js'
import { gate, response, serve, until } from './rig.js'

const { client, peer } = clientFixture()

describe('SETTINGS_MAX_CONCURRENT_STREAMS 0 that stays', () => {
  it('from the start, on every connection: the request fails soon, and says that nothing was processed', async () => {
    const clock = new FakeClock()
    const started = await peer(async (p) => {
      await p.handshake({ maxConcurrentStreams: 0 })
      await p.closed
    })
    const one = client({ clock, waitForSettings: true })
    const failing = one.request({ url: `https://a.test.example:${started.port}/` })
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

  it('later: what is in flight finishes, and new requests use another connection', async () => {
    const clock = new FakeClock()
    const open = gate<ScriptedConnection>()
    const started = await peer(async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      p.respond((await p.nextRequest()).streamId, 204)
      await p.nextRequest()
      p.send(frames.settings({ maxConcurrentStreams: 0 }))
      await p.next('SETTINGS')
      open.open(p)
    })
    const one = client({ clock })
    const url = `https://a.test.example:${started.port}/`
    await one.request({ url })
    const inFlight = one.request({ url })
    const server = await open.promise
    const next = one.request({ url })
    await clock.pass(1_000)
    expect((await next).status).toBe(204)
    expect(started.connections).toBe(2)
    server.respond(3, 200)
    expect((await inFlight).status).toBe(200)
  })

  it('a server that allows some within a second is waited for', async () => {
    const clock = new FakeClock()
    const started = await peer(async (p) => {
      await p.handshake({ maxConcurrentStreams: 0 })
      p.send(frames.settings({ maxConcurrentStreams: 10 }))
      await serve(p)
    })
    const one = client({ clock, waitForSettings: true })
    expect((await one.request({ url: `https://a.test.example:${started.port}/` })).status).toBe(204)
    expect(started.connections).toBe(1)
  })
})

describe('RFC 9113 §6.8: a GOAWAY with an error on a socket that stays open', () => {
  it('streams at or below its last id finish while they move, and fail after 30 s without a byte of their own', async () => {
    const clock = new FakeClock()
    const open = gate<ScriptedConnection>()
    const started = await peer(async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      await p.nextRequest()
      await p.nextRequest()
      p.send(response(1), frames.goaway(3, 0x2))
      open.open(p)
      await p.closed
    })
    const one = client({ clock })
    const url = `https://a.test.example:${started.port}/`
    const moving = one.request({ url, method: 'POST' })
    const stuck = one.request({ url, method: 'POST' })
    stuck.catch(() => undefined)
    const server = await open.promise
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

  it('a GOAWAY that denies a stream that was answered is not believed: what it denies may have been processed', async () => {
    const started = await peer(async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      p.respond((await p.nextRequest()).streamId, 204)
      await p.nextRequest()
      p.send(frames.goaway(0, 0))
      await p.closed
    })
    const one = client()
    const url = `https://a.test.example:${started.port}/`
    await one.request({ url })
    await expect(one.request({ url, method: 'POST' })).rejects.toMatchObject({ processed: 'unknown' })
    expect(started.connections).toBe(1)
    // What means the same twice is sent again.
    expect((await one.request({ url })).status).toBe(204)
  })
})
