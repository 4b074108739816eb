import { FakeClock } from '@unshard/testkit'
import { Group } from '../../src/pool/origin-pool.js'
import { Pursuit } from '../../src/pool/pursuit.js'
import { FakeCall, FakeConnection, targetOf } from './fakes.js'

const target = targetOf('https://a.example')
const call = new FakeCall()
const member = (places = 1) => ({
  connection: new FakeConnection(target, '192.0.2.1', { places }),
  coalesced: false,
  because: 'first-connection',
})

describe('Group', () => {
  it('picks the first connection with room', () => {
    const group = new Group(target)
    expect(group.pick(call)).toBeUndefined()
    const [full, free, other] = [member(0), member(1), member(1)]
    for (const each of [full, free, other]) group.add(each)
    expect(group.pick(call)).toBe(free)
    free.connection.enter('draining')
    expect(group.pick(call)).toBe(other)
    other.connection.places = 0
    expect(group.pick(call)).toBeUndefined()
  })

  it('finds and removes by connection; one that is not there is no harm', () => {
    const group = new Group(target)
    const [one, two] = [member(), member()]
    for (const each of [one, two]) group.add(each)
    expect(group.memberOf(two.connection)).toBe(two)
    group.remove(one.connection)
    group.remove(one.connection)
    expect(group.members).toEqual([two])
    expect(group.memberOf(one.connection)).toBeUndefined()
  })

  it('requests are served in the order in which they came, whoever leaves between them', () => {
    const group = new Group(target)
    const [a, b, c] = [new FakeCall('a'), new FakeCall('b'), new FakeCall('c')]
    for (const call of [a, b, c]) group.waiting.add(call)
    group.waiting.delete(b)
    expect([group.waiting.next(), group.waiting.next(), group.waiting.next()]).toEqual([a, c, undefined])
  })

  it('is empty only without connections, requests and dials', () => {
    const group = new Group(target)
    expect(group.empty).toBe(true)
    const pursuit = new Pursuit(new FakeClock(), 0, () => true)
    group.pursuits = [pursuit]
    expect(group.empty).toBe(false)
    group.pursuits = []
    group.waiting.add(new FakeCall())
    expect(group.empty).toBe(false)
    group.waiting.next()
    group.add(member())
    expect(group.empty).toBe(false)
  })
})
