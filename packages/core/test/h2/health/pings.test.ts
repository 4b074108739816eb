/** The PINGs that `ping()` sends. */

import { FakeClock } from '@unshard/testkit'
import { Pings } from '../../../src/h2/health/pings.js'

function setUp() {
  const clock = new FakeClock(10)
  const sent: Buffer[] = []
  return { clock, sent, pings: new Pings(clock, (opaque) => void sent.push(Buffer.from(opaque))) }
}

describe('Pings', () => {
  it('measure the round trip of each PING by its bytes, in any order of the acknowledgements', async () => {
    const { clock, sent, pings } = setUp()
    const first = pings.send(1_000)
    clock.advance(5)
    const second = pings.send(1_000)
    clock.advance(5)
    pings.received(sent[1]!)
    clock.advance(10)
    pings.received(sent[0]!)
    expect(await Promise.all([first, second])).toEqual([20, 5])
    expect(sent.every(({ length }) => length === 8)).toBe(true)
    expect(clock.pending).toBe(0)
  })

  it('reject without an acknowledgement in time, and ignore a late one', async () => {
    const { clock, sent, pings } = setUp()
    const first = pings.send(1_000)
    clock.advance(1_000)
    await expect(first).rejects.toMatchObject({ name: 'TimeoutError', ms: 1_000 })
    expect(() => pings.received(sent[0]!)).not.toThrow()
  })

  it('ignore an unexpected or repeated acknowledgement', async () => {
    const { sent, pings } = setUp()
    const first = pings.send(1_000)
    pings.received(Buffer.from('deadbeef00000001', 'hex'))
    pings.received(Buffer.from('00000000000000ff', 'hex'))
    pings.received(sent[0]!)
    pings.received(sent[0]!)
    expect(await first).toBe(0)
  })

  it('reject with the reason of the end of the connection, and leave no timer', async () => {
    const { clock, pings } = setUp()
    const all = [pings.send(1_000), pings.send(2_000)]
    const reason = new Error('gone')
    pings.fail(reason)
    for (const each of all) await expect(each).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
  })
})
