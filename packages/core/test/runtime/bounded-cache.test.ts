import { FakeClock } from '@unshard/testkit'
import { BoundedCache } from '../../src/runtime/bounded-cache.js'

/** Over as many as there is room for at first. */
const MANY = 100

function names(many: number): string[] {
  return Array.from({ length: many }, (_, i) => `host${i}`)
}

describe('BoundedCache', () => {
  it('has nothing before something is put into it', () => {
    const cache = new BoundedCache<number>({ max: MANY })
    expect([cache.size, cache.get('a'), cache.has('a'), cache.delete('a')]).toEqual([0, undefined, false, false])
    cache.clear()
    expect(cache.set('a', 1)).toBe(cache)
    expect([cache.size, cache.get('a'), cache.has('a'), cache.delete('a'), cache.size]).toEqual([1, 1, true, true, 0])
  })

  it('makes no room before there is a use for it: a client has a dozen of them, for thousands of entries each', () => {
    const before = process.memoryUsage()
    const caches = Array.from({ length: 100 }, () => new BoundedCache<number>({ max: 16_384, ttl: 1_000 }).set('a', 1))
    const after = process.memoryUsage()
    const grown = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers
    // With room for all there may be they take 100 × 600 kB.
    expect(grown).toBeLessThan(caches.length * 100_000)
  })

  it('holds as many as it may, and forgets the least recently used', () => {
    const cache = new BoundedCache<number>({ max: MANY })
    names(MANY).forEach((name, i) => void cache.set(name, i))
    expect(names(MANY).map((name) => cache.get(name))).toEqual(names(MANY).map((_, i) => i))
    expect(cache.size).toBe(MANY)
    cache.get('host0')
    cache.set('one more', 0)
    expect([cache.size, cache.has('host0'), cache.has('host1')]).toEqual([MANY, true, false])
  })

  it('what was used last before there was more room is still known to be', () => {
    const cache = new BoundedCache<number>({ max: 17 })
    for (const name of names(16)) cache.set(name, 1)
    cache.get('host0')
    cache.set('host16', 1)
    cache.set('host17', 1)
    expect(names(18).filter((name) => !cache.has(name))).toEqual(['host1'])
  })

  it('a value that is replaced needs no room', () => {
    const cache = new BoundedCache<number>({ max: 16 })
    for (const name of names(16)) cache.set(name, 1)
    for (const name of names(16)) cache.set(name, 2)
    expect(names(16).map((name) => cache.get(name))).toEqual(names(16).map(() => 2))
  })

  it('lifetimes, the common one and those of their own, go on when there is more room', () => {
    const clock = new FakeClock(1)
    const cache = new BoundedCache<number>({ max: MANY, ttl: 1_000, ttlResolution: 0, perf: clock })
    cache.set('short', 1, { ttl: 100 })
    cache.set('long', 1, { ttl: 5_000 })
    cache.set('common', 1)
    clock.advance(99)
    for (const name of names(MANY - 3)) cache.set(name, 1)
    expect(['short', 'long', 'common', 'host0'].map((name) => cache.has(name))).toEqual([true, true, true, true])
    clock.advance(2)
    expect(['short', 'long', 'common', 'host0'].map((name) => cache.has(name))).toEqual([false, true, true, true])
    clock.advance(900)
    expect(['long', 'common', 'host0'].map((name) => cache.has(name))).toEqual([true, false, true])
    clock.advance(98)
    expect(['long', 'host0'].map((name) => cache.has(name))).toEqual([true, true])
    clock.advance(1)
    expect(['long', 'host0'].map((name) => cache.has(name))).toEqual([true, false])
  })

  it('what is over is left behind when there is more room', () => {
    const clock = new FakeClock(1)
    const cache = new BoundedCache<number>({ max: MANY, ttl: 1_000, ttlResolution: 0, perf: clock })
    for (const name of names(16)) cache.set(name, 1)
    clock.advance(1_001)
    cache.set('new', 1)
    expect(cache.size).toBe(1)
  })

  it('forgets everything when told to', () => {
    const cache = new BoundedCache<number>({ max: MANY }).set('a', 1)
    cache.clear()
    expect([cache.size, cache.get('a')]).toEqual([0, undefined])
  })

  it('what is over the very moment at which there is more room does not live forever', () => {
    const clock = new FakeClock(1)
    const cache = new BoundedCache<number>({ max: MANY, ttl: 100, ttlResolution: 0, perf: clock })
    cache.set('over', 1)
    for (const name of names(15)) cache.set(name, 1)
    clock.advance(100)
    cache.set('one more', 1)
    clock.advance(1_000_000)
    expect(cache.get('over')).toBeUndefined()
  })
})
