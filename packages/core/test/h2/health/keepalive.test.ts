import { FakeClock } from '@unshard/testkit'
import { Keepalive } from '../../../src/h2/health/keepalive.js'

const options = { intervalMs: 10_000, timeoutMs: 3_000, whenIdle: false }

/** A connection as its keepalive sees it. Time is moved, and the turns in which things are noticed. */
class Watched {
  readonly clock = new FakeClock()
  readonly told: string[] = []
  readonly keepalive: Keepalive
  requests = 0
  receivedAt = 0
  #pings: { resolve(ms: number): void; reject(reason: Error): void }[] = []

  constructor(whenIdle = false, complaints = 0) {
    this.keepalive = new Keepalive(this.clock, { ...options, whenIdle }, complaints, {
      receivedAt: () => this.receivedAt,
      ping: (timeoutMs) => {
        this.told.push(`ping ${timeoutMs}`)
        return new Promise((resolve, reject) => this.#pings.push({ resolve, reject }))
      },
      active: () => this.requests,
      failed: () => this.told.push('failed'),
    })
  }

  async after(ms = 0): Promise<string[]> {
    this.clock.advance(ms)
    for (let i = 0; i < 3; i++) await new Promise(setImmediate)
    return this.told.splice(0)
  }

  pong(): void {
    this.receivedAt = this.clock.now()
    this.#pings.shift()!.resolve(1)
  }

  timeout(): void {
    this.#pings.shift()!.reject(new Error('timeout'))
  }
}

it('sends a PING after an interval without a byte, while requests are in flight; a byte begins the interval again', async () => {
  const one = new Watched()
  expect(one.clock.referenced).toBe(0)
  expect(await one.after(10_000)).toEqual([])
  one.requests = 1
  await one.after(5_000)
  one.receivedAt = one.clock.now()
  expect(await one.after(9_999)).toEqual([])
  expect(await one.after(1)).toEqual(['ping 3000'])
  one.pong()
  expect(await one.after(9_999)).toEqual([])
  expect(await one.after(1)).toEqual(['ping 3000'])
  one.timeout()
  expect(await one.after()).toEqual(['failed'])
})

it('takes a byte for an answer that lay in the socket while the process was busy', async () => {
  const one = new Watched(true)
  expect(await one.after(10_000)).toEqual(['ping 3000'])
  one.timeout()
  await Promise.resolve()
  one.receivedAt = one.clock.now()
  expect(await one.after()).toEqual([])
})

it('sends PINGs to an idle peer only with whenIdle', async () => {
  expect(await new Watched(true).after(10_000)).toEqual(['ping 3000'])
  expect(await new Watched(false).after(100_000)).toEqual([])
})

it('doubles the interval for each complaint of the origin', async () => {
  const one = new Watched(true, 2)
  expect(await one.after(39_999)).toEqual([])
  expect(await one.after(1)).toEqual(['ping 3000'])
})

it('stops with its connection', async () => {
  const one = new Watched(true)
  one.keepalive.stop()
  expect([one.clock.pending, await one.after(100_000)]).toEqual([0, []])
})
