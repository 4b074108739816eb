import { EPOCH_MS, Kernel } from '../../src/kernel/kernel.js'
import { inTurn } from './turns.js'

function newKernel(crashes: unknown[] = []): Kernel {
  return new Kernel((error) => crashes.push(error))
}

describe('time', () => {
  it('moves only from one event to the next, in the order of times and then of additions', () =>
    inTurn(() => {
      const kernel = newKernel()
      const seen: string[] = []
      for (const [name, ms] of [
        ['c', 20],
        ['a', 10],
        ['b', 10],
      ] as const) {
        kernel.after(ms, () => seen.push(`${name} at ${kernel.now}`))
      }
      kernel.run(15)
      expect(seen).toEqual(['a at 10', 'b at 10'])
      expect(kernel.now).toBe(15)
      kernel.run(100)
      expect(seen).toEqual(['a at 10', 'b at 10', 'c at 20'])
    }))

  it('ends a world whose events do not leave an instant', () =>
    inTurn(() => {
      const kernel = newKernel()
      const again = (): void => void kernel.after(0, again)
      again()
      expect(() => kernel.run(1)).toThrow('does not leave 0 ms')
    }))

  it('ends early once a condition holds', () =>
    inTurn(() => {
      const kernel = newKernel()
      let count = 0
      for (let ms = 1; ms <= 5; ms++) kernel.after(ms, () => count++)
      kernel.run(100, () => count === 3)
      expect(kernel.now).toBe(3)
    }))
})

describe('turns of the process', () => {
  it('run timers, then what was received, then immediates, and microtasks after each callback', () =>
    inTurn(() => {
      const kernel = newKernel()
      const seen: string[] = []
      const note = (name: string) => (): void => {
        seen.push(name)
        void Promise.resolve().then(() => seen.push(`microtask of ${name}`))
      }
      kernel.immediate(note('immediate'))
      kernel.deliver(note('received'))
      kernel.startTimer(1, note('timer'))
      kernel.stall(1)
      kernel.run(10)
      expect(seen).toEqual([
        ...['timer', 'microtask of timer'],
        ...['received', 'microtask of received'],
        ...['immediate', 'microtask of immediate'],
      ])
    }))

  it('timers count whole milliseconds, and canceled ones are not called', () =>
    inTurn(() => {
      const kernel = newKernel()
      const seen: number[] = []
      kernel.startTimer(2.9, () => seen.push(kernel.now))
      kernel.startTimer(0, () => seen.push(kernel.now))
      kernel.startTimer(5, () => seen.push(kernel.now)).cancel()
      expect(kernel.timerCount).toBe(2)
      kernel.run(10)
      expect(seen).toEqual([1, 2])
      expect(kernel.timerCount).toBe(0)
    }))

  it('timers that are not referenced do not count as keeping the process alive', () =>
    inTurn(() => {
      const kernel = newKernel()
      const timer = kernel.startTimer(5, () => undefined)
      kernel.startTimer(10, () => undefined).unref()
      expect([kernel.timerCount, kernel.referencedTimers]).toEqual([2, 1])
      timer.unref()
      timer.unref()
      expect(kernel.referencedTimers).toBe(0)
      timer.ref()
      expect(kernel.referencedTimers).toBe(1)
      kernel.run(7)
      expect([kernel.timerCount, kernel.referencedTimers]).toEqual([1, 0])
    }))

  it('a callback that throws is reported, and the others run', () =>
    inTurn(() => {
      const crashes: unknown[] = []
      const kernel = newKernel(crashes)
      let ran = false
      kernel.deliver(() => {
        throw new Error('broken')
      })
      kernel.deliver(() => {
        ran = true
      })
      kernel.run(1)
      expect(crashes).toEqual([new Error('broken')])
      expect(ran).toBe(true)
    }))
})

describe('a busy process and a suspended machine', () => {
  it('a stall delays callbacks of the process, and no events of the world', () =>
    inTurn(() => {
      const kernel = newKernel()
      const seen: string[] = []
      kernel.stall(100)
      kernel.startTimer(10, () => seen.push(`timer at ${kernel.now}`))
      kernel.after(20, () => seen.push(`world at ${kernel.now}`))
      kernel.run(200)
      expect(seen).toEqual(['world at 20', 'timer at 100'])
      expect(kernel.stalledMs).toBe(100)
    }))

  it('a suspend stops the monotonic clock, and not the wall clock', () =>
    inTurn(() => {
      const kernel = newKernel()
      const seen: [number, number, number][] = []
      kernel.run(10)
      kernel.suspend(1_000)
      kernel.startTimer(5, () => seen.push([kernel.now, kernel.monotonic, kernel.wall - EPOCH_MS]))
      kernel.run(500)
      expect(kernel.asleep).toBe(true)
      expect(kernel.monotonic).toBe(10)
      expect(kernel.sleptSince(100)).toBe(400)
      kernel.run(2_000)
      expect(seen).toEqual([[1_015, 15, 1_015]])
    }))

  it('a step of the wall clock leaves the monotonic clock alone', () => {
    const kernel = newKernel()
    kernel.stepWall(-60_000)
    expect(kernel.wall).toBe(EPOCH_MS - 60_000)
    expect(kernel.monotonic).toBe(0)
  })
})
