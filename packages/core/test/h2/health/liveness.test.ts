import { FakeClock } from '@unshard/testkit'
import { Liveness, type LivenessOptions } from '../../../src/h2/health/liveness.js'
import { Output } from '../../../src/h2/protocol/output.js'
import { Probe } from '../../../src/h2/protocol/probe.js'

const ACK = Buffer.from('resetack')

/** A connection as its liveness sees it. Time is moved second by second, with the turns in which things are noticed. */
class Watched {
  readonly clock = new FakeClock()
  readonly told: string[] = []
  readonly liveness: Liveness
  readonly probe = new Probe()
  requests = 0
  opened = 0
  confirmed = true
  held = 0
  unsent = 0
  uploads = false

  constructor(options: Partial<LivenessOptions> = {}) {
    this.liveness = new Liveness(
      this.clock,
      { verifyAfterIdleMs: 20_000, probes: true, stalls: true, alternatives: false, ...options },
      {
        probe: this.probe,
        sendProbe: () => {
          if (!this.probe.available) return false
          this.probe.send(new Output())
          this.told.push(`${this.clock.now() / 1_000} PING`)
          return true
        },
        active: () => this.requests,
        openedStreams: () => this.opened,
        confirmed: () => this.confirmed,
        heldSlots: () => this.held,
        freeSlots: () => {
          this.held = 0
          this.told.push(`${this.clock.now() / 1_000} slots free`)
        },
        unsentBytes: () => this.unsent,
        uploading: () => this.uploads,
        changed: () => this.told.push(`${this.clock.now() / 1_000} changed`),
        retire: () => this.told.push(`${this.clock.now() / 1_000} nothing new`),
        gone: () => {
          this.told.push(`${this.clock.now() / 1_000} gone`)
          this.liveness.stop()
        },
      },
    )
  }

  request(): void {
    this.requests++
    this.opened++
    if (this.requests === 1) this.liveness.busy()
  }

  /** What is told in so many seconds. */
  async seconds(count: number): Promise<string[]> {
    for (let i = 0; i < count; i++) {
      this.clock.advance(1_000)
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
    }
    return this.told.splice(0)
  }

  async turns(): Promise<string[]> {
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
    return this.told.splice(0)
  }

  /** The peer sends something; `progress`: HEADERS or DATA. */
  receive({ progress = false, pong = false } = {}): void {
    if (progress) this.probe.renew()
    if (pong && this.probe.acknowledge(ACK, 0)) this.held = 0
    this.liveness.received(this.clock.now())
  }
}

describe('while a response is waited for', () => {
  it('15 s without a byte: a PING. No byte in 10 s: no new request. No byte in 20 s more: the connection fails', async () => {
    const one = new Watched()
    one.request()
    expect(await one.seconds(100)).toEqual(['15 PING', '25 nothing new', '45 gone'])
    expect(one.clock.pending).toBe(0)
  })

  it('counts from the request, not from the time that the connection was idle', async () => {
    const one = new Watched({ verifyAfterIdleMs: 0 })
    await one.seconds(100)
    one.request()
    expect(await one.seconds(14)).toEqual([])
    expect(await one.seconds(1)).toEqual(['115 PING'])
  })

  it('a server that acknowledges PINGs may think for 25 minutes, and gets one PING in 5 minutes', async () => {
    const one = new Watched()
    one.request()
    const pings: string[] = []
    for (let second = 0; second < 1_500; second++) {
      pings.push(...(await one.seconds(1)).filter((told) => !told.endsWith('changed')))
      if (one.probe.outstanding) one.receive({ pong: true })
    }
    expect(pings).toEqual(['15 PING', '325 PING', '635 PING', '945 PING', '1255 PING'])
  })

  it('HEADERS or DATA renew the right to a PING', async () => {
    const one = new Watched()
    one.request()
    await one.seconds(15)
    one.receive({ pong: true })
    expect(await one.seconds(5)).toEqual([])
    one.receive({ progress: true })
    expect(await one.seconds(15)).toEqual(['35 PING'])
  })

  it('any byte proves life: a single-threaded server that is busy for 30 s and then answers is not cut', async () => {
    const one = new Watched()
    one.request()
    expect(await one.seconds(44)).toEqual(['15 PING', '25 nothing new'])
    one.receive({ progress: true, pong: true })
    expect(await one.seconds(14)).toEqual([])
  })

  it('a PING that was sent early, for a request that ran out of time, does not end the others before 45 s without a byte', async () => {
    const one = new Watched()
    one.request()
    await one.seconds(1)
    one.probe.send(new Output())
    one.liveness.written()
    expect(await one.seconds(43)).toEqual(['11 nothing new'])
    expect(await one.seconds(1)).toEqual(['45 gone'])
  })

  it('a peer that sends bytes and acknowledges no PING is there; the PING is given up', async () => {
    const one = new Watched()
    one.request()
    await one.seconds(15)
    for (let second = 0; second < 10; second++) {
      one.clock.advance(1_000)
      one.receive()
      expect(await one.turns()).toEqual([])
    }
    await one.seconds(1)
    expect(one.probe.outstanding).toBe(false)
  })

  it('a PING behind bytes that the socket still sends cannot have arrived; content under way doubles the time', async () => {
    const one = new Watched()
    one.unsent = 3_000
    one.uploads = true
    one.request()
    await one.seconds(15)
    one.unsent = 2_000
    expect(await one.seconds(11)).toEqual([])
    expect(await one.seconds(58)).toEqual(['35 nothing new', '60 changed'])
    expect(await one.seconds(20)).toEqual(['85 gone'])
  })

  it('keepalive: false sends none', async () => {
    const one = new Watched({ probes: false })
    one.request()
    expect(await one.seconds(59)).toEqual([])
  })

  it('streams that are all quiet for 60 s: the connection counts as full until one of them moves', async () => {
    const one = new Watched({ probes: false })
    one.request()
    expect(await one.seconds(60)).toEqual(['60 changed'])
    expect(one.liveness.stalled).toBe(true)
    one.receive()
    expect(one.liveness.stalled).toBe(true)
    one.receive({ progress: true })
    expect([one.liveness.stalled, await one.turns()]).toEqual([false, ['60 changed']])
    expect(await one.seconds(59)).toEqual([])
    one.request()
    expect(await one.seconds(30)).toEqual([])
  })

  it('a connection that is the only one there is takes requests all the same', async () => {
    const one = new Watched({ probes: false, stalls: false })
    one.request()
    expect(await one.seconds(100)).toEqual([])
    expect([one.liveness.stalled, one.clock.pending]).toEqual([false, 0])
  })

  it('where the origin has other addresses, new requests do not wait for SETTINGS that are 2 s late', async () => {
    const one = new Watched({ alternatives: true })
    one.confirmed = false
    one.request()
    expect(await one.seconds(3)).toEqual(['2 changed'])
    expect(one.liveness.stalled).toBe(true)
    one.confirmed = true
    one.receive()
    expect([one.liveness.stalled, await one.turns()]).toEqual([false, ['3 changed']])
  })

  it('SETTINGS that are late have no deadline of their own', async () => {
    const one = new Watched()
    one.confirmed = false
    expect(await one.seconds(16)).toEqual(['15 PING'])
    one.receive({ pong: true })
    expect(await one.seconds(300)).toEqual([])
  })
})

describe('an idle connection is used again', () => {
  it('at once when a byte was received just now', async () => {
    const one = new Watched()
    expect(one.liveness.verify()).toBe(true)
    one.clock.advance(99)
    expect([one.liveness.verify(), one.liveness.verifying]).toEqual([true, false])
  })

  it('a moment later, when a whole turn of the event loop has brought nothing', async () => {
    const one = new Watched()
    one.clock.advance(100)
    expect([one.liveness.verify(), one.liveness.verifying]).toEqual([false, true])
    // Asked again meanwhile: it is the same question.
    expect(one.liveness.verify()).toBe(false)
    expect(await one.turns()).toEqual(['0.1 changed'])
    expect([one.liveness.verify(), one.liveness.verifying]).toEqual([true, false])
  })

  it('after verifyAfterIdleMs, when a PING has come back', async () => {
    const one = new Watched()
    await one.seconds(20)
    expect([one.liveness.verify(), await one.turns()]).toEqual([false, ['20 PING']])
    one.receive({ pong: true })
    expect(await one.turns()).toEqual(['20 changed'])
    expect(one.liveness.verify()).toBe(true)
  })

  it('never without an answer: other connections are used after 10 s', async () => {
    const one = new Watched()
    await one.seconds(20)
    one.liveness.verify()
    expect(await one.seconds(10)).toEqual(['20 PING', '30 nothing new'])
  })

  it('where no PING may be sent, another connection is used at once', async () => {
    const one = new Watched()
    await one.seconds(20)
    one.liveness.verify()
    one.receive({ pong: true })
    await one.seconds(20)
    one.told.length = 0
    expect([one.liveness.verify(), await one.turns()]).toEqual([false, ['40 nothing new']])
  })

  it('verifyAfterIdleMs 0: never asked with a PING', async () => {
    const one = new Watched({ verifyAfterIdleMs: 0 })
    await one.seconds(1_000)
    expect([one.liveness.verify(), await one.turns()]).toEqual([false, ['1000 changed']])
  })

  it('after the machine was suspended the wall clock counts: it is asked, though the monotonic clock stood still', async () => {
    const one = new Watched()
    await one.seconds(1)
    one.clock.moveWall(3_600_000)
    expect([one.liveness.verify(), await one.turns()]).toEqual([false, ['1 PING']])
    one.receive({ pong: true })
    expect(await one.turns()).toEqual(['1 changed'])
    expect(one.liveness.verify()).toBe(true)
  })

  it('a wall clock that is set back, or jumps while a response is waited for, ends nothing', async () => {
    const one = new Watched()
    one.clock.moveWall(-3_600_000)
    expect(one.liveness.verify()).toBe(true)
    one.request()
    one.clock.moveWall(7_200_000)
    expect(await one.seconds(15)).toEqual(['15 PING'])
    one.receive({ pong: true })
    expect(await one.seconds(30)).toEqual([])
  })
})

describe('after a request that ran out of time', () => {
  it('nothing new is sent before a byte is received, where a PING is out', async () => {
    const one = new Watched()
    one.request()
    await one.seconds(1)
    one.probe.send(new Output())
    for (let i = 0; i < 10; i++) one.liveness.suspect()
    expect(one.liveness.verifying).toBe(true)
    one.receive()
    expect([one.liveness.verifying, await one.turns()]).toEqual([false, ['1 changed']])
  })

  it('a peer that has just sent a byte is trusted, and one that may not be asked as well', async () => {
    const one = new Watched()
    one.request()
    one.liveness.suspect()
    expect(one.liveness.verifying).toBe(false)
    one.probe.send(new Output())
    one.clock.advance(999)
    one.liveness.suspect()
    expect(one.liveness.verifying).toBe(false)
  })

  it('slots that are held without a PING are free after a second; those behind a PING when it comes back', async () => {
    const one = new Watched()
    one.held = 3
    one.liveness.written()
    expect(await one.seconds(1)).toEqual(['1 slots free'])
    one.held = 2
    one.probe.send(new Output())
    one.liveness.written()
    expect(await one.seconds(5)).toEqual([])
    one.receive({ pong: true })
    expect(await one.seconds(30)).toEqual([])
  })
})

it('the end of the connection ends all of it', async () => {
  const one = new Watched()
  one.request()
  one.clock.advance(15_000)
  one.liveness.stop()
  expect([await one.seconds(100), one.clock.pending]).toEqual([[], 0])
})
