import { closedLoop, describe as describeError, type Meter } from '../src/load.js'

// Clock of the loop: `sleep` answers a given number of requests, each of which takes a millisecond
// and 20 µs of CPU.
function createFixture(answersPerSleep: readonly number[], outcome: (request: number) => Error | undefined = () => undefined) {
  const waiting: (() => void)[] = []
  const sleeps: number[] = []
  let answered = 0
  let most = 0
  const meter: Meter = {
    now: () => answered,
    cpuMicros: () => answered * 20,
    connections: () => 1,
    async sleep(ms) {
      for (let left = answersPerSleep[sleeps.length] ?? 0; left > 0; left--) {
        waiting.shift()!()
        await new Promise(setImmediate)
      }
      sleeps.push(ms)
      // The last responses arrive after the time is up.
      if (sleeps.length === 2) setImmediate(() => waiting.splice(0).map((answer) => answer()))
    },
  }
  const once = () =>
    new Promise<void>((resolve, reject) => {
      waiting.push(() => {
        const error = outcome(answered++)
        if (error === undefined) resolve()
        else reject(error)
      })
      most = Math.max(most, waiting.length)
    })
  return { meter, once, sleeps, mostInFlight: () => most, inFlight: () => waiting.length }
}

const load = { inFlight: 5, seconds: 2, warmupSeconds: 1 }

describe('closedLoop', () => {
  test('counts only responses during the measurement, not before and not after', async () => {
    const { meter, once, sleeps, inFlight } = createFixture([7, 30])
    const sample = await closedLoop(once, load, meter)
    expect(sample).toEqual({ requests: 30, seconds: 0.03, cpuMicros: 600, errors: 0, connections: 1 })
    expect(sleeps).toEqual([1000, 2000])
    expect(inFlight()).toBe(0)
  })

  test('keeps exactly this many requests in flight', async () => {
    const { meter, once, mostInFlight } = createFixture([7, 30])
    await closedLoop(once, load, meter)
    expect(mostInFlight()).toBe(5)
  })

  test('counts errors of the whole round, continues after them, and keeps the first', async () => {
    const { meter, once } = createFixture([7, 30], (request) =>
      request % 10 === 3 ? new Error(`request ${request}`) : undefined,
    )
    const sample = await closedLoop(once, load, meter)
    // Requests 3, 13, 23, 33 fail; three of the 30 measured ones are errors.
    expect(sample).toMatchObject({ requests: 27, errors: 4, firstError: 'Error: request 3' })
  })

  test('ends even if every request fails at once', async () => {
    const meter: Meter = { now: Date.now, cpuMicros: () => 0, connections: () => 0, sleep: () => new Promise(setImmediate) }
    const sample = await closedLoop(() => Promise.reject(new Error('refused')), load, meter)
    expect(sample).toMatchObject({ requests: 0, firstError: 'Error: refused' })
    expect(sample.errors).toBeGreaterThanOrEqual(load.inFlight)
  })

  test('with the real clock', async () => {
    const once = () => new Promise<void>((resolve) => setImmediate(resolve))
    const { requests, seconds, cpuMicros, errors } = await closedLoop(once, { ...load, seconds: 0.05, warmupSeconds: 0 })
    expect(requests).toBeGreaterThan(load.inFlight)
    expect(seconds).toBeGreaterThan(0.04)
    expect(cpuMicros).toBeGreaterThan(0)
    expect(errors).toBe(0)
  })
})

test('an error is described with its cause', () => {
  expect(describeError(new TypeError('fetch failed', { cause: new Error('refused') }))).toBe(
    'TypeError: fetch failed, because: Error: refused',
  )
  expect(describeError('text')).toBe('text')
})
