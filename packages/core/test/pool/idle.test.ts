import { FakeClock } from '@unshard/testkit'
import { IdleConnections } from '../../src/pool/idle.js'
import { FakeConnection, targetOf } from './fakes.js'

const TIMEOUT_MS = 1_000
const make = (timeoutMs = TIMEOUT_MS) => {
  const clock = new FakeClock()
  return { clock, idle: new IdleConnections(clock, timeoutMs) }
}
const connection = () => new FakeConnection(targetOf('https://a.example'), '192.0.2.1')

describe('IdleConnections', () => {
  it('closes a connection that carried nothing for the whole time, once', () => {
    const { clock, idle } = make()
    const one = connection()
    idle.add(one)
    clock.advance(TIMEOUT_MS - 1)
    expect(one.closes).toBe(0)
    clock.advance(1)
    expect(one.closes).toBe(1)
    clock.advance(TIMEOUT_MS * 3)
    expect(one.closes).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it('one timer for all, which never keeps a process alive', () => {
    const { clock, idle } = make()
    const all = [connection(), connection(), connection()]
    for (const each of all) {
      idle.add(each)
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

  it('the time counts from the last request, not from the first', () => {
    const { clock, idle } = make()
    const one = connection()
    for (let i = 0; i < 5; i++) {
      // Each time a request is over.
      idle.add(one)
      clock.advance(TIMEOUT_MS - 100)
    }
    expect(one.closes).toBe(0)
    clock.advance(100)
    expect(one.closes).toBe(1)
  })

  it('one that is used again before the others goes to the end of the line', () => {
    const { clock, idle } = make()
    const [one, two] = [connection(), connection()]
    idle.add(one)
    idle.add(two)
    clock.advance(500)
    idle.add(one)
    clock.advance(500)
    expect([one.closes, two.closes]).toEqual([0, 1])
    clock.advance(500)
    expect([one.closes, two.closes]).toEqual([1, 1])
  })

  it('one that carries a request when its time comes is left alone', () => {
    const { clock, idle } = make()
    const one = connection()
    idle.add(one)
    one.request({} as never, { onInformational() {}, onResponse() {}, onError() {}, onClosed() {} })
    clock.advance(TIMEOUT_MS * 2)
    expect(one.closes).toBe(0)
    one.finish()
    idle.add(one)
    clock.advance(TIMEOUT_MS)
    expect(one.closes).toBe(1)
  })

  it('one that was taken out is not closed', () => {
    const { clock, idle } = make()
    const one = connection()
    idle.add(one)
    idle.delete(one)
    clock.advance(TIMEOUT_MS * 2)
    expect(one.closes).toBe(0)
  })

  it('0 keeps them for ever', () => {
    const { clock, idle } = make(0)
    idle.add(connection())
    expect(clock.pending).toBe(0)
  })

  it('stop() ends the timer', () => {
    const { clock, idle } = make()
    const one = connection()
    idle.add(one)
    idle.stop()
    clock.advance(TIMEOUT_MS * 2)
    expect([clock.pending, one.closes]).toEqual([0, 0])
  })
})
