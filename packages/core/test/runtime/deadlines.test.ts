import { FakeClock, lateBy } from '@unshard/testkit'
import { type Deadline, Deadlines, startDeadline, TICK_MS } from '../../src/runtime/deadlines.js'

class Recorder implements Deadline {
  readonly looks: number[] = []
  previousDeadline: Deadline | undefined
  nextDeadline: Deadline | undefined
  abort(): void {}
  onTick(now: number): void {
    this.looks.push(now)
  }
}

describe('Deadlines', () => {
  it('asks everything under way on every tick, and nothing else', () => {
    const clock = new FakeClock()
    const deadlines = new Deadlines(clock)
    const [one, two] = [new Recorder(), new Recorder()]
    deadlines.add(one)
    clock.advance(TICK_MS)
    deadlines.add(two)
    clock.advance(TICK_MS)
    deadlines.delete(one)
    clock.advance(TICK_MS)
    expect([one.looks, two.looks]).toEqual([
      [50, 100],
      [100, 150],
    ])
    deadlines.delete(two)
    expect([clock.referenced, deadlines.empty]).toEqual([0, true])
  })

  it('after a busy time looks one turn later: what has arrived meanwhile is read first', async () => {
    const clock = new FakeClock()
    let late = 0
    const busy = lateBy(clock, () => late)
    const deadlines = new Deadlines(busy)
    const one = new Recorder()
    deadlines.add(one)
    late = 5_000
    clock.advance(TICK_MS)
    expect(one.looks).toEqual([])
    await new Promise(setImmediate)
    expect(one.looks).toEqual([5_050])
    clock.advance(TICK_MS)
    expect(one.looks).toEqual([5_050, 5_100])
  })

  it('a stop in that turn is a stop', async () => {
    const clock = new FakeClock()
    let late = 0
    const deadlines = new Deadlines(lateBy(clock, () => late))
    const one = new Recorder()
    deadlines.add(one)
    late = 5_000
    clock.advance(TICK_MS)
    deadlines.stop()
    await new Promise(setImmediate)
    expect([one.looks, clock.pending]).toEqual([[], 0])
  })
})

describe('startDeadline', () => {
  it.each([
    [0, 0],
    [TICK_MS, 0],
    [TICK_MS + 1, TICK_MS + 1],
    [3_000, 3_000],
  ])('noticed %d ms late: %d ms more, once', (lateMs, moreMs) => {
    const clock = new FakeClock()
    let late = 0
    let over = 0
    startDeadline(
      lateBy(clock, () => late),
      1_000,
      () => over++,
    )
    late = lateMs
    clock.advance(1_000)
    late = 60_000
    if (moreMs > 0) {
      clock.advance(moreMs - 1)
      expect(over).toBe(0)
      clock.advance(1)
    }
    expect([over, clock.pending]).toEqual([1, 0])
  })

  it('can be cancelled, and let the process go, before and after it was moved', () => {
    const clock = new FakeClock()
    let late = 0
    const timer = startDeadline(
      lateBy(clock, () => late),
      100,
      () => {
        throw new Error('cancelled')
      },
    )
    timer.unref()
    expect(clock.referenced).toBe(0)
    late = 200
    clock.advance(100)
    expect([clock.pending, clock.referenced]).toEqual([1, 0])
    timer.ref()
    expect(clock.referenced).toBe(1)
    timer.cancel()
    clock.advance(1_000)
    expect(clock.pending).toBe(0)
  })
})
