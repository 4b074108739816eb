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
    events: { onAged: (connection) => aged.push(connection as FakeConnection) },
  })
  const target = targetOf('https://a.example', 'key', settings)
  const connection = (): FakeConnection => {
    const one = new FakeConnection(target, '192.0.2.1')
    lifetimes.add(one, target.settings)
    all.push(one)
    return one
  }
  return { clock, lifetimes, connection, aged }
}

describe('Lifetimes: idle connections', () => {
  it('closes a connection that was idle for the whole timeout, once', () => {
    const { clock, lifetimes, connection } = make()
    const one = connection()
    lifetimes.idle(one)
    clock.advance(TIMEOUT_MS - 1)
    expect(one.closes).toBe(0)
    clock.advance(1)
    expect(one.closes).toBe(1)
    clock.advance(TIMEOUT_MS * 3)
    expect(one.closes).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it('uses one timer for all connections, which never keeps the process alive', () => {
    const { clock, lifetimes, connection } = make()
    const all = [connection(), connection(), connection()]
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
    const { clock, lifetimes, connection } = make()
    const one = connection()
    for (let i = 0; i < 5; i++) {
      // A request ends each time.
      lifetimes.idle(one)
      clock.advance(TIMEOUT_MS - 100)
    }
    expect(one.closes).toBe(0)
    clock.advance(100)
    expect(one.closes).toBe(1)
  })

  it('moves a reused connection to the end of the idle order', () => {
    const { clock, lifetimes, connection } = make()
    const [one, two] = [connection(), connection()]
    lifetimes.idle(one)
    lifetimes.idle(two)
    clock.advance(500)
    lifetimes.idle(one)
    clock.advance(500)
    expect([one.closes, two.closes]).toEqual([0, 1])
    clock.advance(500)
    expect([one.closes, two.closes]).toEqual([1, 1])
  })

  it('keeps a connection that carries a request at its deadline', () => {
    const { clock, lifetimes, connection } = make()
    const one = connection()
    lifetimes.idle(one)
    one.request({} as never, { onInformational() {}, onResponse() {}, onError() {}, onClosed() {} })
    clock.advance(TIMEOUT_MS * 2)
    expect(one.closes).toBe(0)
    one.finish()
    lifetimes.idle(one)
    clock.advance(TIMEOUT_MS)
    expect(one.closes).toBe(1)
  })

  it('does not close a connection that was removed', () => {
    const { clock, lifetimes, connection } = make()
    const one = connection()
    lifetimes.idle(one)
    lifetimes.delete(one)
    clock.advance(TIMEOUT_MS * 2)
    expect(one.closes).toBe(0)
  })

  it('0 keeps connections forever', () => {
    const { clock, lifetimes, connection } = make({ idleTimeoutMs: 0 })
    lifetimes.idle(connection())
    expect(clock.pending).toBe(0)
  })

  it('stop() cancels the timer', () => {
    const { clock, lifetimes, connection } = make()
    const one = connection()
    lifetimes.idle(one)
    lifetimes.stop()
    clock.advance(TIMEOUT_MS * 2)
    expect([clock.pending, one.closes]).toEqual([0, 0])
  })
})

describe('Lifetimes: limits', () => {
  it('an active connection does not count as idle, and causes no idle one to be closed', () => {
    const { lifetimes, connection } = make(undefined, 1)
    const [one, other] = [connection(), connection()]
    lifetimes.idle(one)
    one.request({} as never, {} as never)
    lifetimes.idle(other)
    expect([one.closes, other.closes]).toEqual([0, 0])
    const third = connection()
    lifetimes.idle(third)
    expect([one.closes, other.closes, third.closes]).toEqual([0, 1, 0])
  })

  it('maximum age plus jitter may exceed the longest Node timer', () => {
    const longest = 0x7fff_ffff
    const { clock, connection } = make({ maxConnectionAgeMs: longest, maxConnectionAgeJitterMs: longest })
    const delays: number[] = []
    const start = clock.startTimer.bind(clock)
    clock.startTimer = (delayMs, callback) => {
      delays.push(delayMs)
      return start(delayMs, callback)
    }
    const one = connection()
    clock.advance(longest - 1)
    expect(one.closes).toBe(0)
    clock.advance(longest + 20)
    expect([one.closes, Math.max(...delays) <= longest]).toEqual([1, true])
  })
})
