/** Deadlines that are checked on ticks, and the correction for a busy process. */

import { FakeClock, lateBy } from '@unshard/testkit'
import { type Deadline, Deadlines, startDeadline, TICK_MS } from '../../src/runtime/deadlines.js'

class Recorder implements Deadline {
  readonly ticks: number[] = []
  previousDeadline: Deadline | undefined
  nextDeadline: Deadline | undefined
  abort(): void {}
  isNeeded = true
  onTick(now: number): boolean {
    this.ticks.push(now)
    return this.isNeeded
  }
}

describe('after a suspend', () => {
  it('the callback is called on the next tick, once, if a deadline was set before', () => {
    const clock = new FakeClock()
    let awoken = 0
    const deadlines = new Deadlines(clock, () => awoken++)
    deadlines.add(new Recorder())
    clock.advance(TICK_MS)
    clock.moveWall(60_000)
    clock.advance(3 * TICK_MS)
    expect(awoken).toBe(1)
  })

  it('the callback is called with the first deadline that is set later', () => {
    const clock = new FakeClock()
    let awoken = 0
    const deadlines = new Deadlines(clock, () => awoken++)
    const early = new Recorder()
    deadlines.add(early)
    deadlines.delete(early)
    clock.advance(2 * TICK_MS)
    clock.moveWall(60_000)
    expect(awoken).toBe(0)
    deadlines.add(new Recorder())
    clock.advance(3 * TICK_MS)
    expect(awoken).toBe(1)
  })

  it('the callback is not called without a deadline, or for a clock that is set back or a little forward', () => {
    const clock = new FakeClock()
    let awoken = 0
    const deadlines = new Deadlines(clock, () => awoken++)
    clock.moveWall(60_000)
    const deadline = new Recorder()
    deadlines.add(deadline)
    for (const ms of [-60_000, 4_000]) {
      clock.advance(TICK_MS)
      clock.moveWall(ms)
    }
    clock.advance(TICK_MS)
    expect(awoken).toBe(0)
  })
})

describe('an operation that needs no ticks', () => {
  it('gets none, and no timer runs, until it wakes the list or another deadline is added', () => {
    const clock = new FakeClock()
    const deadlines = new Deadlines(clock)
    const stream = new Recorder()
    stream.isNeeded = false
    deadlines.add(stream)
    clock.advance(10 * TICK_MS)
    expect([stream.ticks, clock.pending]).toEqual([[TICK_MS], 0])
    deadlines.wake()
    clock.advance(10 * TICK_MS)
    expect([stream.ticks.length, clock.pending]).toEqual([2, 0])
    const other = new Recorder()
    deadlines.add(other)
    clock.advance(3 * TICK_MS)
    expect([stream.ticks.length, other.ticks.length]).toEqual([5, 3])
    deadlines.delete(other)
    clock.advance(3 * TICK_MS)
    expect([stream.ticks.length, clock.pending]).toEqual([6, 0])
  })
})

describe('the deadlines', () => {
  it('are checked on every tick while they are added, and not after', () => {
    const clock = new FakeClock()
    const deadlines = new Deadlines(clock)
    const [first, second] = [new Recorder(), new Recorder()]
    deadlines.add(first)
    clock.advance(TICK_MS)
    deadlines.add(second)
    clock.advance(TICK_MS)
    deadlines.delete(first)
    clock.advance(TICK_MS)
    expect([first.ticks, second.ticks]).toEqual([
      [50, 100],
      [100, 150],
    ])
    deadlines.delete(second)
    expect([clock.referenced, deadlines.empty]).toEqual([0, true])
  })

  it('are checked one turn later after the process was busy, so that received bytes are read first', async () => {
    const clock = new FakeClock()
    let late = 0
    const busy = lateBy(clock, () => late)
    const deadlines = new Deadlines(busy)
    const first = new Recorder()
    deadlines.add(first)
    late = 5_000
    clock.advance(TICK_MS)
    expect(first.ticks).toEqual([])
    await new Promise(setImmediate)
    expect(first.ticks).toEqual([5_050])
    clock.advance(TICK_MS)
    expect(first.ticks).toEqual([5_050, 5_100])
  })

  it('are not checked if they are stopped in that turn', async () => {
    const clock = new FakeClock()
    let late = 0
    const deadlines = new Deadlines(lateBy(clock, () => late))
    const first = new Recorder()
    deadlines.add(first)
    late = 5_000
    clock.advance(TICK_MS)
    deadlines.stop()
    await new Promise(setImmediate)
    expect([first.ticks, clock.pending]).toEqual([[], 0])
  })
})

describe('startDeadline', () => {
  it.each([
    [0, 0],
    [TICK_MS, 0],
    [TICK_MS + 1, TICK_MS + 1],
    [3_000, 3_000],
  ])('a deadline that is noticed %d ms late is extended once, by %d ms', (lateMs, extensionMs) => {
    const clock = new FakeClock()
    let late = 0
    let calls = 0
    startDeadline(
      lateBy(clock, () => late),
      1_000,
      () => calls++,
    )
    late = lateMs
    clock.advance(1_000)
    late = 60_000
    if (extensionMs > 0) {
      clock.advance(extensionMs - 1)
      expect(calls).toBe(0)
      clock.advance(1)
    }
    expect([calls, clock.pending]).toEqual([1, 0])
  })

  it('a deadline can be cancelled and unreferenced, before and after its extension', () => {
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
