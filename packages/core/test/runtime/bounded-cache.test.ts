/** The cache with a maximum size and lifetimes. */

import { FakeClock } from '@unshard/testkit'
import { BoundedCache } from '../../src/runtime/bounded-cache.js'

/** More entries than the initial capacity. */
const MANY = 100

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `host${i}`)
}

describe('the bounded cache', () => {
  it('is empty before the first entry is set', () => {
    const cache = new BoundedCache<number>({ max: MANY })
    expect([cache.size, cache.get('a'), cache.has('a'), cache.delete('a')]).toEqual([0, undefined, false, false])
    cache.clear()
    expect(cache.set('a', 1)).toBe(cache)
    expect([cache.size, cache.get('a'), cache.has('a'), cache.delete('a'), cache.size]).toEqual([1, 1, true, true, 0])
  })

  it('allocates no memory for unused entries, as a client has a dozen caches of thousands of entries', () => {
    const before = process.memoryUsage()
    const caches = Array.from({ length: 100 }, () => new BoundedCache<number>({ max: 16_384, ttl: 1_000 }).set('a', 1))
    const after = process.memoryUsage()
    const grown = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers
    // With memory for the maximum the caches take 100 × 600 kB.
    expect(grown).toBeLessThan(caches.length * 100_000)
  })

  it('holds up to its maximum, and removes the least recently used entry', () => {
    const cache = new BoundedCache<number>({ max: MANY })
    names(MANY).forEach((name, i) => void cache.set(name, i))
    expect(names(MANY).map((name) => cache.get(name))).toEqual(names(MANY).map((_, i) => i))
    expect(cache.size).toBe(MANY)
    cache.get('host0')
    cache.set('one more', 0)
    expect([cache.size, cache.has('host0'), cache.has('host1')]).toEqual([MANY, true, false])
  })

  it('keeps the order of use when its capacity grows', () => {
    const cache = new BoundedCache<number>({ max: 17 })
    for (const name of names(16)) cache.set(name, 1)
    cache.get('host0')
    cache.set('host16', 1)
    cache.set('host17', 1)
    expect(names(18).filter((name) => !cache.has(name))).toEqual(['host1'])
  })

  it('needs no capacity to replace a value', () => {
    const cache = new BoundedCache<number>({ max: 16 })
    for (const name of names(16)) cache.set(name, 1)
    for (const name of names(16)) cache.set(name, 2)
    expect(names(16).map((name) => cache.get(name))).toEqual(names(16).map(() => 2))
  })

  it('keeps the lifetimes of entries, common or individual, when its capacity grows', () => {
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

  it('drops expired entries when its capacity grows', () => {
    const clock = new FakeClock(1)
    const cache = new BoundedCache<number>({ max: MANY, ttl: 1_000, ttlResolution: 0, perf: clock })
    for (const name of names(16)) cache.set(name, 1)
    clock.advance(1_001)
    cache.set('new', 1)
    expect(cache.size).toBe(1)
  })

  it('is empty after clear()', () => {
    const cache = new BoundedCache<number>({ max: MANY }).set('a', 1)
    cache.clear()
    expect([cache.size, cache.get('a')]).toEqual([0, undefined])
  })

  it('expires an entry whose lifetime ends at the moment at which the capacity grows', () => {
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
