/** Liveness of a connection: PINGs, deadlines without a byte, and verification before reuse. */

import { FakeClock } from '@unshard/testkit'
import { Liveness, type LivenessOptions } from '../../../src/h2/health/liveness.js'
import { Output } from '../../../src/h2/protocol/output.js'
import { Probe } from '../../../src/h2/protocol/probe.js'

const ACK = Buffer.from('resetack')

/** A connection without socket that logs the calls of its liveness, with the time in seconds. */
class WatchedConnection {
  readonly clock = new FakeClock()
  readonly log: string[] = []
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
          this.log.push(`${this.clock.now() / 1_000} PING`)
          return true
        },
        active: () => this.requests,
        openedStreams: () => this.opened,
        confirmed: () => this.confirmed,
        heldSlots: () => this.held,
        freeSlots: () => {
          this.held = 0
          this.log.push(`${this.clock.now() / 1_000} slots free`)
        },
        unsentBytes: () => this.unsent,
        uploading: () => this.uploads,
        changed: () => this.log.push(`${this.clock.now() / 1_000} changed`),
        retire: () => this.log.push(`${this.clock.now() / 1_000} nothing new`),
        gone: () => {
          this.log.push(`${this.clock.now() / 1_000} gone`)
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

  /** Advances the clock by this many seconds and returns the calls of that time. */
  async seconds(count: number): Promise<string[]> {
    for (let i = 0; i < count; i++) {
      this.clock.advance(1_000)
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
    }
    return this.log.splice(0)
  }

  async turns(): Promise<string[]> {
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
    return this.log.splice(0)
  }

  /** Receives bytes from the peer; `progress`: HEADERS or DATA. */
  receive({ progress = false, pong = false } = {}): void {
    if (progress) this.probe.renew()
    if (pong && this.probe.acknowledge(ACK, 0)) this.held = 0
    this.liveness.received(this.clock.now())
  }
}

describe('while a request waits for its response', () => {
  it('without a byte a PING is sent after 15 s, new requests stop after 25 s, and the connection fails after 45 s', async () => {
    const connection = new WatchedConnection()
    connection.request()
    expect(await connection.seconds(100)).toEqual(['15 PING', '25 nothing new', '45 gone'])
    expect(connection.clock.pending).toBe(0)
  })

  it('the time counts from the request, without the idle time before it', async () => {
    const connection = new WatchedConnection({ verifyAfterIdleMs: 0 })
    await connection.seconds(100)
    connection.request()
    expect(await connection.seconds(14)).toEqual([])
    expect(await connection.seconds(1)).toEqual(['115 PING'])
  })

  it('a server that acknowledges PINGs may answer after 25 minutes, and receives one PING in 5 minutes', async () => {
    const connection = new WatchedConnection()
    connection.request()
    const pings: string[] = []
    for (let second = 0; second < 1_500; second++) {
      pings.push(...(await connection.seconds(1)).filter((line) => !line.endsWith('changed')))
      if (connection.probe.outstanding) connection.receive({ pong: true })
    }
    expect(pings).toEqual(['15 PING', '325 PING', '635 PING', '945 PING', '1255 PING'])
  })

  it('HEADERS or DATA permit another PING', async () => {
    const connection = new WatchedConnection()
    connection.request()
    await connection.seconds(15)
    connection.receive({ pong: true })
    expect(await connection.seconds(5)).toEqual([])
    connection.receive({ progress: true })
    expect(await connection.seconds(15)).toEqual(['35 PING'])
  })

  it('a server that answers after 44 s without a byte keeps its connection', async () => {
    const connection = new WatchedConnection()
    connection.request()
    expect(await connection.seconds(44)).toEqual(['15 PING', '25 nothing new'])
    connection.receive({ progress: true, pong: true })
    expect(await connection.seconds(14)).toEqual([])
  })

  it('an early PING, for a request that timed out, does not end other requests before 45 s without a byte', async () => {
    const connection = new WatchedConnection()
    connection.request()
    await connection.seconds(1)
    connection.probe.send(new Output())
    connection.liveness.written()
    expect(await connection.seconds(43)).toEqual(['11 nothing new'])
    expect(await connection.seconds(1)).toEqual(['45 gone'])
  })

  it('a peer that sends bytes without a PING acknowledgement keeps its connection, and the PING expires', async () => {
    const connection = new WatchedConnection()
    connection.request()
    await connection.seconds(15)
    for (let second = 0; second < 10; second++) {
      connection.clock.advance(1_000)
      connection.receive()
      expect(await connection.turns()).toEqual([])
    }
    await connection.seconds(1)
    expect(connection.probe.outstanding).toBe(false)
  })

  it('the deadline of a PING starts after the unsent bytes before it, and uploads double the time', async () => {
    const connection = new WatchedConnection()
    connection.unsent = 3_000
    connection.uploads = true
    connection.request()
    await connection.seconds(15)
    connection.unsent = 2_000
    expect(await connection.seconds(11)).toEqual([])
    expect(await connection.seconds(58)).toEqual(['35 nothing new', '60 changed'])
    expect(await connection.seconds(20)).toEqual(['85 gone'])
  })

  it('no PING is sent with keepalive: false', async () => {
    const connection = new WatchedConnection({ probes: false })
    connection.request()
    expect(await connection.seconds(59)).toEqual([])
  })

  it('a connection whose streams receive no byte for 60 s counts as full until a stream receives one', async () => {
    const connection = new WatchedConnection({ probes: false })
    connection.request()
    expect(await connection.seconds(60)).toEqual(['60 changed'])
    expect(connection.liveness.stalled).toBe(true)
    connection.receive()
    expect(connection.liveness.stalled).toBe(true)
    connection.receive({ progress: true })
    expect([connection.liveness.stalled, await connection.turns()]).toEqual([false, ['60 changed']])
    expect(await connection.seconds(59)).toEqual([])
    connection.request()
    expect(await connection.seconds(30)).toEqual([])
  })

  it('a connection without alternative accepts requests despite stalled streams', async () => {
    const connection = new WatchedConnection({ probes: false, stalls: false })
    connection.request()
    expect(await connection.seconds(100)).toEqual([])
    expect([connection.liveness.stalled, connection.clock.pending]).toEqual([false, 0])
  })

  it('new requests do not wait for SETTINGS that are 2 s late if the origin has other addresses', async () => {
    const connection = new WatchedConnection({ alternatives: true })
    connection.confirmed = false
    connection.request()
    expect(await connection.seconds(3)).toEqual(['2 changed'])
    expect(connection.liveness.stalled).toBe(true)
    connection.confirmed = true
    connection.receive()
    expect([connection.liveness.stalled, await connection.turns()]).toEqual([false, ['3 changed']])
  })

  it('late SETTINGS have no separate deadline', async () => {
    const connection = new WatchedConnection()
    connection.confirmed = false
    expect(await connection.seconds(16)).toEqual(['15 PING'])
    connection.receive({ pong: true })
    expect(await connection.seconds(300)).toEqual([])
  })
})

describe('an idle connection is reused', () => {
  it('at once if a byte was received within 100 ms', async () => {
    const connection = new WatchedConnection()
    expect(connection.liveness.verify()).toBe(true)
    connection.clock.advance(99)
    expect([connection.liveness.verify(), connection.liveness.verifying]).toEqual([true, false])
  })

  it('after a turn of the event loop without a byte', async () => {
    const connection = new WatchedConnection()
    connection.clock.advance(100)
    expect([connection.liveness.verify(), connection.liveness.verifying]).toEqual([false, true])
    // A second call during the verification does not start another one.
    expect(connection.liveness.verify()).toBe(false)
    expect(await connection.turns()).toEqual(['0.1 changed'])
    expect([connection.liveness.verify(), connection.liveness.verifying]).toEqual([true, false])
  })

  it('after verifyAfterIdleMs only when its PING is acknowledged', async () => {
    const connection = new WatchedConnection()
    await connection.seconds(20)
    expect([connection.liveness.verify(), await connection.turns()]).toEqual([false, ['20 PING']])
    connection.receive({ pong: true })
    expect(await connection.turns()).toEqual(['20 changed'])
    expect(connection.liveness.verify()).toBe(true)
  })

  it('never without an acknowledgement: requests use other connections after 10 s', async () => {
    const connection = new WatchedConnection()
    await connection.seconds(20)
    connection.liveness.verify()
    expect(await connection.seconds(10)).toEqual(['20 PING', '30 nothing new'])
  })

  it('never if no PING may be sent: requests use another connection at once', async () => {
    const connection = new WatchedConnection()
    await connection.seconds(20)
    connection.liveness.verify()
    connection.receive({ pong: true })
    await connection.seconds(20)
    connection.log.length = 0
    expect([connection.liveness.verify(), await connection.turns()]).toEqual([false, ['40 nothing new']])
  })

  it('without a PING if verifyAfterIdleMs is 0', async () => {
    const connection = new WatchedConnection({ verifyAfterIdleMs: 0 })
    await connection.seconds(1_000)
    expect([connection.liveness.verify(), await connection.turns()]).toEqual([false, ['1000 changed']])
  })

  it('after a PING if the wall clock shows that the machine was suspended', async () => {
    const connection = new WatchedConnection()
    await connection.seconds(1)
    connection.clock.moveWall(3_600_000)
    expect([connection.liveness.verify(), await connection.turns()]).toEqual([false, ['1 PING']])
    connection.receive({ pong: true })
    expect(await connection.turns()).toEqual(['1 changed'])
    expect(connection.liveness.verify()).toBe(true)
  })

  it('though the wall clock is set back, and a jump during a request ends no connection', async () => {
    const connection = new WatchedConnection()
    connection.clock.moveWall(-3_600_000)
    expect(connection.liveness.verify()).toBe(true)
    connection.request()
    connection.clock.moveWall(7_200_000)
    expect(await connection.seconds(15)).toEqual(['15 PING'])
    connection.receive({ pong: true })
    expect(await connection.seconds(30)).toEqual([])
  })
})

describe('after a suspend', () => {
  it('new requests wait until the peer has answered a PING, although a request is in flight', async () => {
    const connection = new WatchedConnection()
    connection.request()
    await connection.seconds(1)
    connection.clock.moveWall(60_000)
    connection.liveness.awoke()
    expect([connection.liveness.verifying, await connection.turns()]).toEqual([true, ['1 PING']])
    connection.receive({ pong: true })
    expect([connection.liveness.verifying, await connection.turns()]).toEqual([false, ['1 changed']])
  })

  it('new requests do not wait for a connection that was avoided before the suspend', async () => {
    const connection = new WatchedConnection({ alternatives: true })
    connection.confirmed = false
    connection.request()
    await connection.seconds(5)
    connection.clock.moveWall(60_000)
    connection.liveness.awoke()
    expect([connection.liveness.verifying, connection.liveness.stalled, await connection.turns()]).toEqual([
      false,
      true,
      ['5 PING'],
    ])
    connection.confirmed = true
    connection.receive({ pong: true })
    expect([connection.liveness.verifying, connection.liveness.stalled]).toEqual([false, false])
  })

  it('new requests use another connection if no PING may be sent', async () => {
    const connection = new WatchedConnection()
    connection.request()
    await connection.seconds(15)
    connection.receive({ pong: true })
    connection.clock.moveWall(60_000)
    connection.log.length = 0
    connection.liveness.awoke()
    expect(await connection.turns()).toEqual(['15 nothing new'])
  })

  it('new requests use another connection if a PING of before the suspend is still unanswered, because no other may be sent', async () => {
    const connection = new WatchedConnection()
    connection.request()
    await connection.seconds(14)
    expect(await connection.seconds(2)).toEqual(['15 PING'])
    connection.receive({})
    connection.clock.moveWall(60_000)
    connection.log.length = 0
    connection.liveness.awoke()
    expect(await connection.turns()).toEqual(['16 nothing new'])
  })

  it.each([
    ['of a few seconds', true, 10_000],
    ['without requests in flight', false, 600_000],
  ])('%s nothing is asked', async (_what, active, sleptMs) => {
    const connection = new WatchedConnection()
    if (active) connection.request()
    connection.clock.moveWall(sleptMs)
    connection.liveness.awoke()
    expect([connection.liveness.verifying, await connection.turns()]).toEqual([false, []])
  })

  it('a connection with a request gets a PING within 15 s, although it had one: the time of the suspend passed for the server', async () => {
    const connection = new WatchedConnection()
    connection.request()
    expect(await connection.seconds(15)).toEqual(['15 PING'])
    connection.receive({ pong: true })
    await connection.seconds(5)
    connection.clock.moveWall(600_000)
    expect(await connection.seconds(60)).toEqual(['25 PING', '35 nothing new', '60 gone'])
  })

  it('shorter than five minutes, a connection that had a PING gets another five minutes after that one', async () => {
    const connection = new WatchedConnection()
    connection.request()
    await connection.seconds(15)
    connection.receive({ pong: true })
    connection.clock.moveWall(100_000)
    expect((await connection.seconds(400)).filter((line) => line.endsWith('PING'))).toEqual(['225 PING'])
  })
})

describe('after a request that timed out', () => {
  it('no new request is sent before a byte is received, if a PING is outstanding', async () => {
    const connection = new WatchedConnection()
    connection.request()
    await connection.seconds(1)
    connection.probe.send(new Output())
    for (let i = 0; i < 10; i++) connection.liveness.suspect()
    expect(connection.liveness.verifying).toBe(true)
    connection.receive()
    expect([connection.liveness.verifying, await connection.turns()]).toEqual([false, ['1 changed']])
  })

  it('requests are sent if the peer sent a byte within a second, or if no PING may be sent', async () => {
    const connection = new WatchedConnection()
    connection.request()
    connection.liveness.suspect()
    expect(connection.liveness.verifying).toBe(false)
    connection.probe.send(new Output())
    connection.clock.advance(999)
    connection.liveness.suspect()
    expect(connection.liveness.verifying).toBe(false)
  })

  it('slots held without a PING are free after a second, and slots held for a PING at its acknowledgement', async () => {
    const connection = new WatchedConnection()
    connection.held = 3
    connection.liveness.written()
    expect(await connection.seconds(1)).toEqual(['1 slots free'])
    connection.held = 2
    connection.probe.send(new Output())
    connection.liveness.written()
    expect(await connection.seconds(5)).toEqual([])
    connection.receive({ pong: true })
    expect(await connection.seconds(30)).toEqual([])
  })
})

it('the end of the connection stops all timers', async () => {
  const connection = new WatchedConnection()
  connection.request()
  connection.clock.advance(15_000)
  connection.liveness.stop()
  expect([await connection.seconds(100), connection.clock.pending]).toEqual([[], 0])
})
