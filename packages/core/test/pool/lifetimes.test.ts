/** Idle timeouts, maximum ages and the limit of idle connections. */

import { FakeClock } from '@unshard/testkit'
import { Lifetimes } from '../../src/pool/lifetimes.js'
import type { PoolSettings } from '../../src/settings/pool-settings.js'
import { FakeConnection, targetOf } from './fakes.js'

const TIMEOUT_MS = 1_000
const make = (settings: PoolSettings = { idleTimeoutMs: TIMEOUT_MS }, maxIdleConnections = 100) => {
  const clock = new FakeClock()
  const aged: FakeConnection[] = []
  const all: FakeConnection[] = []
  const lifetimes = new Lifetimes({
    clock,
    maxIdleConnections,
    siblingsOf: () => all,
    events: {
      onAged: (connection) => aged.push(connection as FakeConnection),
      onOffer: () => undefined,
      onClosing: () => undefined,
    },
  })
  const target = targetOf('https://a.example', 'key', settings)
  const addConnection = (): FakeConnection => {
    const connection = new FakeConnection(target, '192.0.2.1')
    lifetimes.add(connection, target, { limits: [] })
    all.push(connection)
    return connection
  }
  return { clock, lifetimes, addConnection, aged }
}

describe('Lifetimes: idle connections', () => {
  it('closes a connection that was idle for the whole timeout, once', () => {
    const { clock, lifetimes, addConnection } = make()
    const connection = addConnection()
    lifetimes.idle(connection)
    clock.advance(TIMEOUT_MS - 1)
    expect(connection.closes).toBe(0)
    clock.advance(1)
    expect(connection.closes).toBe(1)
    clock.advance(TIMEOUT_MS * 3)
    expect(connection.closes).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it('uses one timer for all connections, which never keeps the process alive', () => {
    const { clock, lifetimes, addConnection } = make()
    const all = [addConnection(), addConnection(), addConnection()]
    for (const each of all) {
      lifetimes.idle(each)
      clock.advance(100)
    }
    expect(clock.pending).toBe(1)
    expect(clock.referenced).toBe(0)
    clock.advance(700)
    expect(all.map(({ closes }) => closes)).toEqual([1, 0, 0])
    clock.advance(100)
    expect(all.map(({ closes }) => closes)).toEqual([1, 1, 0])
    clock.advance(100)
    expect(all.map(({ closes }) => closes)).toEqual([1, 1, 1])
  })

  it('counts idle time from the last request, not from the first', () => {
    const { clock, lifetimes, addConnection } = make()
    const connection = addConnection()
    for (let i = 0; i < 5; i++) {
      // A request ends here.
      lifetimes.idle(connection)
      clock.advance(TIMEOUT_MS - 100)
    }
    expect(connection.closes).toBe(0)
    clock.advance(100)
    expect(connection.closes).toBe(1)
  })

  it('moves a reused connection to the end of the idle order', () => {
    const { clock, lifetimes, addConnection } = make()
    const [first, second] = [addConnection(), addConnection()]
    lifetimes.idle(first)
    lifetimes.idle(second)
    clock.advance(500)
    lifetimes.idle(first)
    clock.advance(500)
    expect([first.closes, second.closes]).toEqual([0, 1])
    clock.advance(500)
    expect([first.closes, second.closes]).toEqual([1, 1])
  })

  it('keeps a connection that carries a request at its deadline', () => {
    const { clock, lifetimes, addConnection } = make()
    const connection = addConnection()
    lifetimes.idle(connection)
    connection.request({} as never, { onInformational() {}, onResponse() {}, onError() {}, onClosed() {} })
    clock.advance(TIMEOUT_MS * 2)
    expect(connection.closes).toBe(0)
    connection.finish()
    lifetimes.idle(connection)
    clock.advance(TIMEOUT_MS)
    expect(connection.closes).toBe(1)
  })

  it('ignores a connection that was removed', () => {
    const { clock, lifetimes, addConnection } = make()
    const connection = addConnection()
    lifetimes.idle(connection)
    lifetimes.delete(connection)
    clock.advance(TIMEOUT_MS * 2)
    expect(connection.closes).toBe(0)
  })

  it('keeps idle connections forever with a timeout of 0', () => {
    const { clock, lifetimes, addConnection } = make({ idleTimeoutMs: 0 })
    lifetimes.idle(addConnection())
    expect(clock.pending).toBe(0)
  })

  it('cancels its timer at stop()', () => {
    const { clock, lifetimes, addConnection } = make()
    const connection = addConnection()
    lifetimes.idle(connection)
    lifetimes.stop()
    clock.advance(TIMEOUT_MS * 2)
    expect([clock.pending, connection.closes]).toEqual([0, 0])
  })
})

describe('Lifetimes: limits', () => {
  it('an active connection does not count as idle, and no idle connection is closed because of it', () => {
    const { lifetimes, addConnection } = make(undefined, 1)
    const [first, second] = [addConnection(), addConnection()]
    lifetimes.idle(first)
    first.request({} as never, {} as never)
    lifetimes.idle(second)
    expect([first.closes, second.closes]).toEqual([0, 0])
    const third = addConnection()
    lifetimes.idle(third)
    expect([first.closes, second.closes, third.closes]).toEqual([0, 1, 0])
  })

  it('maximum age plus jitter may exceed the longest Node timer', () => {
    const longest = 0x7fff_ffff
    const { clock, addConnection } = make({ maxConnectionAgeMs: longest, maxConnectionAgeJitterMs: longest })
    const delays: number[] = []
    const start = clock.startTimer.bind(clock)
    clock.startTimer = (delayMs, callback) => {
      delays.push(delayMs)
      return start(delayMs, callback)
    }
    const connection = addConnection()
    clock.advance(longest - 1)
    expect(connection.closes).toBe(0)
    clock.advance(longest + 20)
    expect([connection.closes, Math.max(...delays) <= longest]).toEqual([1, true])
  })
})
