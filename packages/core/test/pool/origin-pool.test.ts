/** The connections and the queue of one origin. */

import { FakeClock } from '@unshard/testkit'
import { OriginPool } from '../../src/pool/origin-pool.js'
import { Pursuit } from '../../src/pool/pursuit.js'
import { FakeCall, FakeConnection, targetOf } from './fakes.js'

const target = targetOf('https://a.example')
const call = new FakeCall()
const member = (places = 1) => ({
  connection: new FakeConnection(target, '192.0.2.1', { places }),
  coalesced: false,
  because: 'first-connection',
})

describe('OriginPool', () => {
  it('picks the first connection with capacity', () => {
    const originPool = new OriginPool(target)
    expect(originPool.pick(call)).toBeUndefined()
    const [full, free, otherFree] = [member(0), member(1), member(1)]
    for (const each of [full, free, otherFree]) originPool.add(each)
    expect(originPool.pick(call)).toBe(free)
    free.connection.enter('draining')
    expect(originPool.pick(call)).toBe(otherFree)
    otherFree.connection.places = 0
    expect(originPool.pick(call)).toBeUndefined()
  })

  it('finds and removes members by connection, and ignores unknown ones', () => {
    const originPool = new OriginPool(target)
    const [first, second] = [member(), member()]
    for (const each of [first, second]) originPool.add(each)
    expect(originPool.memberOf(second.connection)).toBe(second)
    originPool.remove(first.connection)
    originPool.remove(first.connection)
    expect(originPool.members).toEqual([second])
    expect(originPool.memberOf(first.connection)).toBeUndefined()
  })

  it('serves requests in order of arrival, even after others leave', () => {
    const originPool = new OriginPool(target)
    const [a, b, c] = [new FakeCall('a'), new FakeCall('b'), new FakeCall('c')]
    for (const call of [a, b, c]) originPool.queue.add(call)
    originPool.queue.delete(b)
    expect([originPool.queue.next(), originPool.queue.next(), originPool.queue.next()]).toEqual([a, c, undefined])
  })

  it('is empty only without connections, requests and dials', () => {
    const originPool = new OriginPool(target)
    expect(originPool.empty).toBe(true)
    const pursuit = new Pursuit(new FakeClock(), 0, () => true)
    originPool.pursuits = [pursuit]
    expect(originPool.empty).toBe(false)
    originPool.pursuits = []
    originPool.queue.add(new FakeCall())
    expect(originPool.empty).toBe(false)
    originPool.queue.next()
    originPool.add(member())
    expect(originPool.empty).toBe(false)
  })
})
