import { FakeClock } from '@unshard/testkit'
import { Pings } from '../../../src/h2/health/pings.js'

function make() {
  const clock = new FakeClock(10)
  const sent: Buffer[] = []
  return { clock, sent, pings: new Pings(clock, (opaque) => void sent.push(Buffer.from(opaque))) }
}

describe('Pings', () => {
  it('measure the round trip, told apart by their bytes whatever the order of the answers', async () => {
    const { clock, sent, pings } = make()
    const one = pings.send(1_000)
    clock.advance(5)
    const two = pings.send(1_000)
    clock.advance(5)
    pings.received(sent[1]!)
    clock.advance(10)
    pings.received(sent[0]!)
    expect(await Promise.all([one, two])).toEqual([20, 5])
    expect(sent.every(({ length }) => length === 8)).toBe(true)
    expect(clock.pending).toBe(0)
  })

  it('without an answer in time it rejects, and a late answer is ignored', async () => {
    const { clock, sent, pings } = make()
    const one = pings.send(1_000)
    clock.advance(1_000)
    await expect(one).rejects.toMatchObject({ name: 'TimeoutError', ms: 1_000 })
    expect(() => pings.received(sent[0]!)).not.toThrow()
  })

  it('an answer that nobody asked for, or a second one, is ignored', async () => {
    const { sent, pings } = make()
    const one = pings.send(1_000)
    pings.received(Buffer.from('deadbeef00000001', 'hex'))
    pings.received(Buffer.from('00000000000000ff', 'hex'))
    pings.received(sent[0]!)
    pings.received(sent[0]!)
    expect(await one).toBe(0)
  })

  it('the end of the connection rejects all of them, with its reason and without leaving a timer', async () => {
    const { clock, pings } = make()
    const all = [pings.send(1_000), pings.send(2_000)]
    const reason = new Error('gone')
    pings.fail(reason)
    for (const each of all) await expect(each).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
  })
})
