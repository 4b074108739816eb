import { FakeClock } from '@unshard/testkit'
import { type Deadline, Deadlines, TICK_MS } from '../src/deadlines.js'

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
    const busy = { now: () => clock.now() + late, startTimer: clock.startTimer.bind(clock) }
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
    const deadlines = new Deadlines({ now: () => clock.now() + late, startTimer: clock.startTimer.bind(clock) })
    const one = new Recorder()
    deadlines.add(one)
    late = 5_000
    clock.advance(TICK_MS)
    deadlines.stop()
    await new Promise(setImmediate)
    expect([one.looks, clock.pending]).toEqual([[], 0])
  })
})
