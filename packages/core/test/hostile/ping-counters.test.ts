/**
 * A server that limits PINGs as grpc-go does: the third early PING ends the connection with
 * `too_many_pings`.
 */

import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import { clientFixture } from '../client/fixture.js'
import { gate } from './fixture.js'

const { client: createClient, peer } = clientFixture()
/** grpc-go's default `MinTime`. */
const MIN_TIME_MS = 300_000

interface CountingServer {
  readonly url: string
  readonly connections: () => number
  readonly pings: number[]
  /** Resets the strikes, because the server sent HEADERS or DATA. */
  sent(): void
  readonly server: Promise<ScriptedConnection>
}

/** Starts a server that counts PINGs. */
async function startCountingServer(clock: FakeClock): Promise<CountingServer> {
  const pings: number[] = []
  let strikes = 0
  let lastAt = Number.NEGATIVE_INFINITY
  const ready = gate<ScriptedConnection>()
  const sent = (): void => {
    strikes = 0
    lastAt = Number.NEGATIVE_INFINITY
  }
  const started = await peer(
    async (p) => {
      await p.handshake()
      // The event stream: fields without content.
      p.send(frames.headers((await p.nextRequest()).streamId, [[':status', '200']]))
      sent()
      ready.open(p)
      for (;;) {
        const { payload } = await p.next('PING')
        pings.push(clock.now())
        if (clock.now() - lastAt < MIN_TIME_MS && ++strikes > 2) p.send(frames.goaway(1, 0xb, Buffer.from('too_many_pings')))
        lastAt = clock.now()
        p.send(frames.ping(payload, true))
      }
    },
    { tls: undefined },
  )
  const url = `http://a.test.example:${started.port}/`
  return { url, connections: () => started.connections, pings, sent, server: ready.promise }
}

/** Lets bytes in flight on loopback arrive. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

it('an event stream without events for an hour stays open, with at most one PING in 5 minutes', async () => {
  const clock = new FakeClock()
  const { url, pings, server, connections } = await startCountingServer(clock)
  const client = createClient({ clock, cleartextProtocol: 'h2' })
  const events = await client.request({ url })
  await server
  for (let second = 0; second < 3_600; second += 5) {
    clock.advance(5_000)
    await settle()
  }
  expect(pings.length).toBeGreaterThan(8)
  expect(pings.length).toBeLessThanOrEqual(13)
  ;(await server).send(frames.data(1, 'still here', { endStream: true }))
  expect(await events.text()).toBe('still here')
  expect(connections()).toBe(1)
})

it('sixteen requests that time out beside an event stream cause one PING, and none before the server sends a byte', async () => {
  const clock = new FakeClock()
  const { url, pings, server, connections } = await startCountingServer(clock)
  const client = createClient({ clock, cleartextProtocol: 'h2' })
  const events = await client.request({ url })
  await server
  for (let i = 0; i < 16; i++) {
    const lateRequest = client.request({ url, timeouts: { headers: 500 } })
    lateRequest.catch(() => undefined)
    await settle()
    clock.advance(600)
    await expect(lateRequest).rejects.toMatchObject({ name: 'TimeoutError', phase: 'headers' })
    await settle()
  }
  expect(pings).toHaveLength(1)
  ;(await server).send(frames.data(1, 'still here', { endStream: true }))
  expect(await events.text()).toBe('still here')
  expect(connections()).toBe(1)
})
