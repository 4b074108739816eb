/** Strategies that choose one of several connections. */

import type { Strategy } from '../../src/message/strategy.js'
import { choose } from '../../src/pool/strategy.js'

const candidates = [5, 2, 9].map((active, i) => ({ id: i + 1, active, capacity: 10 }))

it('least-streams chooses the connection with the fewest requests, the first of equals', () => {
  expect(choose('least-streams', candidates, 0, undefined).id).toBe(2)
  expect(choose('least-streams', [candidates[0]!, { ...candidates[0]!, id: 7 }], 0, undefined).id).toBe(1)
})

it('round-robin chooses each connection in turn', () => {
  expect([0, 1, 2, 3].map((turn) => choose('round-robin', candidates, turn, undefined).id)).toEqual([1, 2, 3, 1])
})

it('random chooses each connection about equally often', () => {
  const counts = new Map<number, number>()
  for (let i = 0; i < 3_000; i++) {
    const { id } = choose('random', candidates, i, undefined)
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  expect([...counts.values()].every((count) => count > 800)).toBe(true)
})

describe('hash', () => {
  const tenants = Array.from({ length: 1_000 }, (_, i) => `tenant-${i}`)
  const of = (list: typeof candidates, tenant: string): number => choose('hash', list, 0, tenant).id

  it('chooses the same connection for the same affinity, evenly distributed', () => {
    const counts = [0, 0, 0]
    for (const tenant of tenants) {
      expect(of(candidates, tenant)).toBe(of(candidates.toReversed(), tenant))
      counts[of(candidates, tenant) - 1]!++
    }
    expect(Math.min(...counts)).toBeGreaterThan(250)
  })

  it('moves only the requests of a closed connection', () => {
    const remaining = candidates.filter(({ id }) => id !== 2)
    for (const tenant of tenants) if (of(candidates, tenant) !== 2) expect(of(remaining, tenant)).toBe(of(candidates, tenant))
  })

  it('chooses the connection with the fewest requests without an affinity', () => {
    expect(choose('hash', candidates, 0, undefined).id).toBe(2)
  })
})

describe('a user-supplied strategy', () => {
  it('receives the candidates and the affinity, and chooses', () => {
    expect(choose((all, affinity) => all.find(({ id }) => String(id) === affinity)!, candidates, 0, '3').id).toBe(3)
  })

  it('receives copies, so that it cannot change the connections or the list', () => {
    const seen: unknown[] = []
    const strategy: Strategy = (all) => {
      seen.push(Object.isFrozen(all), Object.isFrozen(all[0]), Object.keys(all[0]!))
      return all[0]!
    }
    choose(strategy, candidates, 0, undefined)
    expect(seen).toEqual([true, true, ['id', 'active', 'capacity']])
  })

  it('that is async is refused, and its rejection is not left unhandled', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    const strategy = async () => Promise.reject(new Error('later'))
    expect(() => choose(strategy as never, candidates, 0, undefined)).toThrow(expect.objectContaining({ code: 'ERR_STRATEGY' }))
    await new Promise(setImmediate)
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it.each([
    [
      'throws',
      (): never => {
        throw new Error('no idea')
      },
      'no idea',
    ],
    ['returns another object', () => ({ id: 1, active: 0, capacity: 1 }), 'must return one of the candidates'],
    ['returns nothing', () => undefined as never, 'must return one of the candidates'],
  ])('causes a UsageError if it %s', (_title, strategy, message) => {
    expect(() => choose(strategy, candidates, 0, undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_STRATEGY', message: expect.stringContaining(message) }),
    )
  })
})
