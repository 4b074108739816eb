import { FakeClock } from '@unshard/testkit'
import { Liveness, type LivenessOptions, PROBE_TIMEOUT_MS } from '../../src/h2/liveness.js'

/** A connection as its liveness sees it. Time is moved, and the turns in which things are noticed. */
class Watched {
  readonly clock = new FakeClock()
  readonly told: string[] = []
  readonly liveness: Liveness
  requests = 0
  uploads = false
  #pings: { resolve(ms: number): void; reject(reason: Error): void }[] = []

  constructor(options: Partial<LivenessOptions> = {}) {
    this.liveness = new Liveness(
      this.clock,
      { verifyAfterIdleMs: 20_000, keepalive: undefined, tooManyPings: 0, ...options },
      {
        ping: (timeoutMs) => {
          this.told.push(`ping ${timeoutMs}`)
          return new Promise((resolve, reject) => this.#pings.push({ resolve, reject }))
        },
        active: () => this.requests,
        uploading: () => this.uploads,
        changed: () => this.told.push(`changed, ready: ${this.liveness.verify()}`),
        gone: () => this.told.push('gone'),
      },
    )
  }

  async said(ms = 0): Promise<string[]> {
    this.clock.advance(ms)
    for (let i = 0; i < 3; i++) await new Promise(setImmediate)
    return this.told.splice(0)
  }

  pong(): void {
    this.liveness.heard(this.clock.now())
    this.#pings.shift()!.resolve(1)
  }

  silence(): void {
    this.#pings.shift()!.reject(new Error('timeout'))
  }
}

describe('an idle connection is used again', () => {
  it('at once when the peer has just been heard', async () => {
    const one = new Watched()
    expect(one.liveness.verify()).toBe(true)
    await one.said(99)
    expect([one.liveness.verify(), one.liveness.verifying]).toEqual([true, false])
  })

  it('after a moment of silence, when a whole turn of the event loop has brought nothing', async () => {
    const one = new Watched()
    await one.said(100)
    expect([one.liveness.verify(), one.liveness.verifying]).toEqual([false, true])
    // Asked again meanwhile: it is the same question.
    expect(one.liveness.verify()).toBe(false)
    await new Promise(setImmediate)
    expect(one.told).toEqual([])
    expect(await one.said()).toEqual(['changed, ready: true'])
    expect(one.liveness.verifying).toBe(false)
  })

  it('after verifyAfterIdleMs, when a PING has come back', async () => {
    const one = new Watched()
    await one.said(20_000)
    expect([one.liveness.verify(), await one.said()]).toEqual([false, [`ping ${PROBE_TIMEOUT_MS}`]])
    one.pong()
    expect(await one.said()).toEqual(['changed, ready: true'])
  })

  it('never without an answer', async () => {
    const one = new Watched()
    await one.said(20_000)
    one.liveness.verify()
    one.silence()
    expect(await one.said()).toEqual(['ping 5000', 'gone'])
  })

  it('0: never asked with a PING', async () => {
    const one = new Watched({ verifyAfterIdleMs: 0 })
    await one.said(1_000_000)
    expect([one.liveness.verify(), await one.said()]).toEqual([false, ['changed, ready: true']])
  })
})

describe('after a request that ran out of time', () => {
  it('nothing is asked of a peer that has just spoken', async () => {
    const one = new Watched()
    await one.said(999)
    one.liveness.suspect()
    expect([one.liveness.verifying, await one.said()]).toEqual([false, []])
  })

  it('one PING, however many requests ran out; any octet is an answer', async () => {
    const one = new Watched()
    await one.said(1_000)
    for (let i = 0; i < 10; i++) one.liveness.suspect()
    expect(one.liveness.verifying).toBe(true)
    one.liveness.heard(one.clock.now())
    expect(one.liveness.verifying).toBe(false)
    expect(await one.said()).toEqual(['ping 5000', 'changed, ready: true'])
    one.silence()
    expect(await one.said()).toEqual([])
  })

  it('an octet that lay in the socket while the process was busy counts', async () => {
    const one = new Watched()
    await one.said(1_000)
    one.liveness.suspect()
    one.silence()
    // Read in the same turn as the timer ran, after it.
    await Promise.resolve()
    one.liveness.heard(one.clock.now())
    expect(await one.said()).not.toContain('gone')
  })

  it('behind content the answer may be late: asked six times', async () => {
    const one = new Watched()
    one.uploads = true
    await one.said(1_000)
    one.liveness.suspect()
    for (let i = 0; i < 5; i++) {
      one.silence()
      expect(await one.said()).toContain('ping 5000')
    }
    one.silence()
    expect(await one.said()).toEqual(['gone'])
  })
})

describe('keepalive', () => {
  const keepalive = { intervalMs: 10_000, timeoutMs: 3_000, whenIdle: false }

  it('asks after an interval of silence, while requests wait; what is heard moves it', async () => {
    const one = new Watched({ keepalive })
    expect(one.clock.referenced).toBe(0)
    expect(await one.said(10_000)).toEqual([])
    one.requests = 1
    await one.said(5_000)
    one.liveness.heard(one.clock.now())
    expect(await one.said(9_999)).toEqual([])
    expect(await one.said(1)).toEqual(['ping 3000'])
    one.pong()
    expect(await one.said(9_999)).toEqual([])
    expect(await one.said(1)).toEqual(['ping 3000'])
    one.silence()
    expect(await one.said()).toEqual(['gone'])
  })

  it('whenIdle: also without requests; nothing is held up by it', async () => {
    const one = new Watched({ keepalive: { ...keepalive, whenIdle: true } })
    expect(await one.said(10_000)).toEqual(['ping 3000'])
    expect(one.liveness.verifying).toBe(false)
  })

  it('doubled for each complaint of the origin', async () => {
    const one = new Watched({ keepalive: { ...keepalive, whenIdle: true }, tooManyPings: 2 })
    expect(await one.said(39_999)).toEqual([])
    expect(await one.said(1)).toEqual(['ping 3000'])
  })

  it('ends with the connection', async () => {
    const one = new Watched({ keepalive: { ...keepalive, whenIdle: true } })
    one.liveness.stop()
    expect([one.clock.pending, await one.said(100_000)]).toEqual([0, []])
  })
})
