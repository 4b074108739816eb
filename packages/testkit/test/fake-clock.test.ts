// The clock runs timers in the order of their times, and only when it is advanced.
import { FakeClock } from '@unshard/testkit'

test('timers run earliest first, each at its own time, ties in starting order', () => {
  const clock = new FakeClock()
  const ran: string[] = []
  const note = (name: string) => () => ran.push(`${name} at ${clock.now()}`)
  clock.startTimer(30, note('c'))
  clock.startTimer(10, note('a'))
  clock.startTimer(30, note('d'))
  clock.startTimer(20, note('b'))
  clock.advance(29)
  expect(ran).toEqual(['a at 10', 'b at 20'])
  expect(clock.pending).toBe(2)
  clock.advance(1)
  expect(ran.slice(2)).toEqual(['c at 30', 'd at 30'])
  expect(clock.now()).toBe(30)
})

test('a timer started by a timer runs in the same advance when it is due', () => {
  const clock = new FakeClock(1000)
  const ran: number[] = []
  const again = (): void => {
    ran.push(clock.now())
    clock.startTimer(10, again)
  }
  clock.startTimer(10, again)
  clock.advance(35)
  expect(ran).toEqual([1010, 1020, 1030])
  expect(clock.now()).toBe(1035)
})

test('a canceled timer never runs; ref and unref are recorded', () => {
  const clock = new FakeClock()
  const timer = clock.startTimer(10, () => {
    throw new Error('cancelled timers do not run')
  })
  timer.unref()
  expect([clock.pending, clock.referenced]).toEqual([1, 0])
  timer.ref()
  expect(clock.referenced).toBe(1)
  timer.cancel()
  clock.advance(100)
  expect(clock.pending).toBe(0)
})
