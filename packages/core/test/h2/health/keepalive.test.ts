/** The PINGs of the `keepalive` option. */

import { FakeClock } from '@unshard/testkit'
import { Keepalive } from '../../../src/h2/health/keepalive.js'

const options = { intervalMs: 10_000, timeoutMs: 3_000, whenIdle: false }

/** A connection without socket that logs the calls of its keepalive. */
class WatchedConnection {
  readonly clock = new FakeClock()
  readonly log: string[] = []
  readonly keepalive: Keepalive
  requests = 0
  receivedAt = 0
  #pings: { resolve(ms: number): void; reject(reason: Error): void }[] = []

  constructor(whenIdle = false, complaints = 0) {
    this.keepalive = new Keepalive(this.clock, { ...options, whenIdle }, complaints, {
      receivedAt: () => this.receivedAt,
      ping: (timeoutMs) => {
        this.log.push(`ping ${timeoutMs}`)
        return new Promise((resolve, reject) => this.#pings.push({ resolve, reject }))
      },
      active: () => this.requests,
      failed: () => this.log.push('failed'),
    })
  }

  async advance(ms = 0): Promise<string[]> {
    this.clock.advance(ms)
    for (let i = 0; i < 3; i++) await new Promise(setImmediate)
    return this.log.splice(0)
  }

  pong(): void {
    this.receivedAt = this.clock.now()
    this.#pings.shift()!.resolve(1)
  }

  timeout(): void {
    this.#pings.shift()!.reject(new Error('timeout'))
  }
}

it('a PING is sent after an interval without a byte while requests are in flight, and a byte restarts the interval', async () => {
  const connection = new WatchedConnection()
  expect(connection.clock.referenced).toBe(0)
  expect(await connection.advance(10_000)).toEqual([])
  connection.requests = 1
  await connection.advance(5_000)
  connection.receivedAt = connection.clock.now()
  expect(await connection.advance(9_999)).toEqual([])
  expect(await connection.advance(1)).toEqual(['ping 3000'])
  connection.pong()
  expect(await connection.advance(9_999)).toEqual([])
  expect(await connection.advance(1)).toEqual(['ping 3000'])
  connection.timeout()
  expect(await connection.advance()).toEqual(['failed'])
})

it('a byte that was received while the process was busy counts as the acknowledgement', async () => {
  const connection = new WatchedConnection(true)
  expect(await connection.advance(10_000)).toEqual(['ping 3000'])
  connection.timeout()
  await Promise.resolve()
  connection.receivedAt = connection.clock.now()
  expect(await connection.advance()).toEqual([])
})

it('an idle peer receives PINGs only with whenIdle', async () => {
  expect(await new WatchedConnection(true).advance(10_000)).toEqual(['ping 3000'])
  expect(await new WatchedConnection(false).advance(100_000)).toEqual([])
})

it('each complaint of the origin doubles the interval', async () => {
  const connection = new WatchedConnection(true, 2)
  expect(await connection.advance(39_999)).toEqual([])
  expect(await connection.advance(1)).toEqual(['ping 3000'])
})

it('no PING is sent after the end of the connection', async () => {
  const connection = new WatchedConnection(true)
  connection.keepalive.stop()
  expect([connection.clock.pending, await connection.advance(100_000)]).toEqual([0, []])
})
