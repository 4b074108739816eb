import { FakeClock } from '@unshard/testkit'
import { Patience } from '../../src/h2/patience.js'

/** A connection as its patience sees it: what it is told, and what it answers. */
class Peerless {
  readonly clock = new FakeClock()
  readonly told: string[] = []
  unsent = 0
  uploads = false
  readonly patience = new Patience(this.clock, {
    settingsOverdue: () => this.told.push('settings overdue'),
    unsentBytes: () => this.unsent,
    uploading: () => this.uploads,
    freeSlots: () => this.told.push('free slots'),
    silent: () => this.told.push('silent'),
    gone: () => this.told.push('gone'),
  })

  /** Time passes, and the turn in which it is noticed. */
  async wait(ms: number): Promise<string[]> {
    this.clock.advance(ms)
    await new Promise(setImmediate)
    return this.told.splice(0)
  }
}

it('asks about SETTINGS after 10 s, once', async () => {
  const one = new Peerless()
  expect([await one.wait(9_999), await one.wait(1), await one.wait(60_000)]).toEqual([[], ['settings overdue'], []])
})

describe('after a reset, with a PING under way', () => {
  const expecting = async (): Promise<Peerless> => {
    const one = new Peerless()
    await one.wait(10_000)
    one.told.length = 0
    one.patience.expectWord(true)
    return one
  }

  it('silence: nothing new after 10 s, gone after 30', async () => {
    const one = await expecting()
    expect([await one.wait(10_000), await one.wait(10_000), await one.wait(10_000)]).toEqual([['silent'], [], ['gone']])
    expect(one.clock.pending).toBe(0)
  })

  it('the answer: nothing', async () => {
    const one = await expecting()
    one.patience.slotsFree()
    expect([await one.wait(60_000), one.clock.pending]).toEqual([[], 0])
  })

  it('other words, and no answer: the slots are free', async () => {
    const one = await expecting()
    one.patience.heard()
    expect([await one.wait(10_000), await one.wait(60_000)]).toEqual([['free slots'], []])
  })

  it('behind octets that the socket still sends it cannot have arrived; behind those that it does not, nobody reads', async () => {
    const one = await expecting()
    one.patience.slotsFree()
    one.unsent = 1_000_000
    one.patience.expectWord(true)
    for (one.unsent = 900_000; one.unsent > 0; one.unsent -= 300_000) expect(await one.wait(10_000)).toEqual([])
    one.unsent = 100
    expect([await one.wait(10_000), await one.wait(10_000)]).toEqual([[], ['silent']])
  })

  it('while content is on its way, silence is no proof: nothing new, and those that are open keep their own deadlines', async () => {
    const one = await expecting()
    one.uploads = true
    expect([await one.wait(10_000), await one.wait(10_000), await one.wait(10_000), await one.wait(10_000)]).toEqual([
      ['silent'],
      [],
      [],
      [],
    ])
    one.uploads = false
    expect(await one.wait(10_000)).toEqual(['gone'])
  })

  it('a timer that has fired does not judge the PING that came after it', async () => {
    const one = await expecting()
    one.clock.advance(10_000)
    // Read in the same turn: the answer, and then another request is given up.
    one.patience.heard()
    one.patience.slotsFree()
    one.patience.expectWord(true)
    expect([await one.wait(0), await one.wait(9_999)]).toEqual([[], []])
    expect(await one.wait(1)).toEqual(['silent'])
  })

  it('the end of the connection ends all of it, in the turn of a timer too', async () => {
    const one = await expecting()
    one.clock.advance(10_000)
    one.patience.stop()
    expect([await one.wait(60_000), one.clock.pending]).toEqual([[], 0])
  })

  it('the end of the connection inside `silent` is one', async () => {
    const one = new Peerless()
    const patience: Patience = new Patience(one.clock, {
      settingsOverdue: () => undefined,
      unsentBytes: () => 0,
      uploading: () => false,
      freeSlots: () => undefined,
      silent: () => patience.stop(),
      gone: () => one.told.push('gone'),
    })
    one.patience.stop()
    patience.expectWord(true)
    expect([await one.wait(60_000), one.clock.pending]).toEqual([[], 0])
  })
})

it('after a reset without a PING: slots are free after a second, and silence is silence all the same', async () => {
  const one = new Peerless()
  one.patience.expectWord(false)
  one.patience.expectWord(false)
  expect(await one.wait(1_000)).toEqual(['free slots'])
  // As the connection does, when it hears that.
  one.patience.slotsFree()
  expect(await one.wait(8_999)).toEqual([])
  expect(await one.wait(1)).toEqual(['settings overdue', 'silent'])
})
