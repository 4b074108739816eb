/** Lookups of host names: answers, caching, failures, expired answers. */

import type { LookupFunction } from 'node:net'
import { FakeClock, staticLookup } from '@unshard/testkit'
import { Resolver } from '../../../src/connect/dns/resolver.js'

const clock = new FakeClock()

/** Returns a lookup that calls back with exactly these arguments. */
function answering(error: unknown, address?: unknown, family?: unknown): LookupFunction {
  return ((_host: string, _options: object, callback: (...all: unknown[]) => void) =>
    void process.nextTick(callback, error, address, family)) as LookupFunction
}

describe('the resolver', () => {
  it('returns every address, in the order of the answer', async () => {
    const resolver = new Resolver(staticLookup({ 'a.example': ['192.0.2.1', '2001:db8::1'] }), 0, clock)
    expect((await resolver.resolve('a.example')).addresses).toEqual([
      { address: '192.0.2.1', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ])
  })

  it.each(['192.0.2.7', '2001:db8::7', '::1'])('returns %s itself, without a lookup', async (address) => {
    const lookup = staticLookup()
    expect((await new Resolver(lookup, 0, clock).resolve(address)).addresses).toEqual([
      { address, family: address.includes(':') ? 6 : 4 },
    ])
    expect(lookup.calls).toEqual([])
  })

  it('shares one lookup between concurrent requests, even without a cache', async () => {
    const lookup = staticLookup({ 'a.example': '192.0.2.1' })
    const resolver = new Resolver(lookup, 0, clock)
    const answers = await Promise.all([1, 2, 3].map(() => resolver.resolve('a.example')))
    expect(answers.map(({ addresses }) => addresses)).toEqual([1, 2, 3].map(() => [{ address: '192.0.2.1', family: 4 }]))
    expect(lookup.calls).toEqual(['a.example'])
    await resolver.resolve('a.example')
    expect(lookup.calls).toHaveLength(2)
  })

  it('caches an answer for the configured time', async () => {
    const time = new FakeClock(5)
    const lookup = staticLookup({ 'a.example': '192.0.2.1', 'b.example': '192.0.2.2' })
    const resolver = new Resolver(lookup, 1_000, time)
    await resolver.resolve('a.example')
    time.advance(999)
    await resolver.resolve('a.example')
    await resolver.resolve('b.example')
    expect(lookup.calls).toEqual(['a.example', 'b.example'])
    lookup.table['a.example'] = '192.0.2.9'
    time.advance(2)
    expect((await resolver.resolve('a.example')).addresses).toEqual([{ address: '192.0.2.9', family: 4 }])
  })

  it.each([
    ['for the smallest TTL of its addresses, if the lookup returns TTLs', [30, 2, 9], 60_000, 2_000],
    ['no longer than the configured time, whatever the TTL', [30], 1_000, 1_000],
    ['for the TTL that only some of its addresses have', [undefined, 3], 60_000, 3_000],
    ['for the configured time if its TTLs are invalid', ['5', -1, Number.NaN], 7_000, 7_000],
  ])('uses an answer %s', async (_what, ttls, configuredMs, expectedMs) => {
    const time = new FakeClock(5)
    let lookups = 0
    const list = ttls.map((ttl, i) => ({ address: `192.0.2.${i + 1}`, ttl }))
    const lookup = ((_host: string, _options: object, callback: (...all: unknown[]) => void) => {
      lookups++
      callback(null, list)
    }) as LookupFunction
    const resolver = new Resolver(lookup, configuredMs, time)
    const answer = await resolver.resolve('a.example')
    expect(answer.addresses).toEqual(list.map(({ address }) => ({ address, family: 4 })))
    time.advance(expectedMs - 1)
    await resolver.resolve('a.example')
    expect(lookups).toBe(1)
    time.advance(2)
    await resolver.resolve('a.example')
    expect(lookups).toBe(2)
  })

  it('uses an answer with TTL 0 only for the requests that wait for it', async () => {
    let lookups = 0
    const lookup = ((_host: string, _options: object, callback: (...all: unknown[]) => void) => {
      lookups++
      process.nextTick(callback, null, [{ address: '192.0.2.1', ttl: 0 }])
    }) as LookupFunction
    const resolver = new Resolver(lookup, 1_000, clock)
    await Promise.all([resolver.resolve('a.example'), resolver.resolve('a.example')])
    expect(lookups).toBe(1)
    await resolver.resolve('a.example')
    expect(lookups).toBe(2)
  })

  it('shares a pending lookup for a while; then a request starts another, and the first may still succeed', async () => {
    const time = new FakeClock()
    const answers: (() => void)[] = []
    const lookup = ((_host: string, _options: object, callback: (...all: unknown[]) => void) => {
      answers.push(() => callback(null, [{ address: '192.0.2.1' }]))
    }) as LookupFunction
    const resolver = new Resolver(lookup, 0, time, 100)
    const first = resolver.resolve('a.example')
    time.advance(99)
    void resolver.resolve('a.example')
    expect(answers).toHaveLength(1)
    time.advance(1)
    const third = resolver.resolve('a.example')
    expect(answers).toHaveLength(2)
    answers[0]!()
    expect((await first).addresses).toHaveLength(1)
    answers[1]!()
    expect((await third).addresses).toHaveLength(1)
    expect(time.pending).toBe(0)
  })

  it('rejects with a typed error if an async lookup rejects', async () => {
    const lookup = (async () => {
      throw Object.assign(new Error('blocked'), { code: 'EBLOCKED' })
    }) as unknown as LookupFunction
    await expect(new Resolver(lookup, 0, clock).resolve('a.example')).rejects.toMatchObject({
      name: 'ConnectError',
      phase: 'resolve',
      cause: { code: 'EBLOCKED' },
    })
  })

  it('resolves names that end in .localhost to loopback addresses (RFC 6761 §6.3)', async () => {
    for (const host of ['app.localhost', 'a.b.localhost', 'app.localhost.']) {
      const { addresses } = await new Resolver(undefined, 0, clock).resolve(host)
      expect(addresses.length).toBeGreaterThan(0)
      for (const { address } of addresses) expect(['127.0.0.1', '::1']).toContain(address)
    }
  })

  it('does not cache a failure', async () => {
    const lookup = staticLookup()
    const resolver = new Resolver(lookup, 1_000, clock)
    const failing = [resolver.resolve('a.example'), resolver.resolve('a.example')]
    for (const each of failing) await expect(each).rejects.toMatchObject({ phase: 'resolve', cause: { code: 'ENOTFOUND' } })
    expect(lookup.calls).toHaveLength(1)
    lookup.table['a.example'] = '192.0.2.1'
    expect((await resolver.resolve('a.example')).addresses).toHaveLength(1)
  })

  it('accepts one address from a lookup that ignores `all`', async () => {
    const resolver = new Resolver(answering(null, '2001:db8::1', 6), 0, clock)
    expect((await resolver.resolve('a.example')).addresses).toEqual([{ address: '2001:db8::1', family: 6 }])
  })

  it('derives the family from the address, not from the answer', async () => {
    const resolver = new Resolver(answering(null, [{ address: '192.0.2.1', family: 'IPv4' }]), 0, clock)
    expect((await resolver.resolve('a.example')).addresses).toEqual([{ address: '192.0.2.1', family: 4 }])
  })

  it('skips entries that are not addresses', async () => {
    const list = [null, undefined, '192.0.2.3', { address: 'no' }, {}, { address: 7 }, { address: '192.0.2.1', family: 4 }]
    expect((await new Resolver(answering(null, list), 0, clock).resolve('a.example')).addresses).toEqual([
      { address: '192.0.2.1', family: 4 },
    ])
  })

  it.each([
    ['an empty list', []],
    ['undefined', undefined],
    ['null', null],
    ['a name', 'b.example'],
    ['a number', 12],
    ['a list without addresses', [null, {}]],
  ])('fails if the answer is %s', async (_what, answer) => {
    const failing = new Resolver(answering(null, answer, 4), 0, clock).resolve('a.example')
    await expect(failing).rejects.toMatchObject({
      name: 'ConnectError',
      phase: 'resolve',
      message: expect.stringContaining('a.example'),
    })
  })

  it('rejects if the lookup throws, or fails with a value that is not an Error', async () => {
    const throwing = (() => {
      throw new RangeError('broken')
    }) as unknown as LookupFunction
    await expect(new Resolver(throwing, 0, clock).resolve('a.example')).rejects.toMatchObject({ cause: { message: 'broken' } })
    await expect(new Resolver(answering('why'), 0, clock).resolve('a.example')).rejects.toMatchObject({ cause: 'why' })
  })

  it('accepts a lookup that calls back synchronously and twice', async () => {
    const twice = ((_host: string, _options: object, callback: (...all: unknown[]) => void) => {
      callback(null, [{ address: '192.0.2.1', family: 4 }])
      callback(new Error('second thoughts'))
    }) as LookupFunction
    expect((await new Resolver(twice, 0, clock).resolve('a.example')).addresses).toHaveLength(1)
  })
})

describe('an expired answer is used (RFC 8767)', () => {
  /** Starts a resolver whose answers the test controls, with an expired answer. */
  const startResolver = async (): Promise<{
    time: FakeClock
    resolver: Resolver
    answer(nextAnswer: string | Error | undefined): void
    lookups(): number
  }> => {
    const time = new FakeClock(5)
    let nextAnswer: string | Error | undefined = '192.0.2.1'
    let lookups = 0
    const lookup = ((_host: string, _options: object, callback: (...all: unknown[]) => void) => {
      lookups++
      if (nextAnswer !== undefined) process.nextTick(callback, nextAnswer instanceof Error ? nextAnswer : null, nextAnswer, 4)
    }) as LookupFunction
    const resolver = new Resolver(lookup, 10_000, time, 10_000)
    await resolver.resolve('a.example')
    time.advance(10_001)
    return {
      time,
      resolver,
      answer: (next) => {
        nextAnswer = next
      },
      lookups: () => lookups,
    }
  }
  const failure = (code: string): Error => Object.assign(new Error(code), { code })
  const first = [{ address: '192.0.2.1', family: 4 }]

  it.each(['EAI_AGAIN', 'ESERVFAIL', 'ETIMEOUT', 'ECONNREFUSED', 'EREFUSED'])('if the resolver fails with %s', async (code) => {
    const { time, resolver, answer, lookups } = await startResolver()
    answer(failure(code))
    expect((await resolver.resolve('a.example')).addresses).toEqual(first)
    // No further lookup for half a minute, then a lookup that no request waits for.
    time.advance(29_999)
    await resolver.resolve('a.example')
    expect(lookups()).toBe(2)
    time.advance(2)
    answer('192.0.2.2')
    expect((await resolver.resolve('a.example')).addresses).toEqual(first)
    await new Promise(setImmediate)
    expect((await resolver.resolve('a.example')).addresses).toEqual([{ address: '192.0.2.2', family: 4 }])
  })

  it('after 1.8 s without an answer of the resolver', async () => {
    const { time, resolver, answer } = await startResolver()
    answer(undefined)
    const resolving = resolver.resolve('a.example')
    time.advance(1_800)
    expect((await resolving).addresses).toEqual(first)
  })

  it('for at most an hour', async () => {
    const { time, resolver, answer } = await startResolver()
    answer(failure('EAI_AGAIN'))
    await resolver.resolve('a.example')
    time.advance(3_600_000)
    await expect(resolver.resolve('a.example')).rejects.toMatchObject({ phase: 'resolve' })
  })

  it.each([failure('ENOTFOUND'), failure('ENODATA'), new Error('a private address'), failure('EBLOCKED')])(
    'not if the resolver refuses the name: %s',
    async (error) => {
      const { resolver, answer } = await startResolver()
      answer(error)
      await expect(resolver.resolve('a.example')).rejects.toMatchObject({ cause: error })
      answer(failure('EAI_AGAIN'))
      await expect(resolver.resolve('a.example')).rejects.toMatchObject({ phase: 'resolve' })
    },
  )

  it('but not after a refusal that arrives in the meantime', async () => {
    const time = new FakeClock(5)
    const lookups: ((error: unknown, address?: unknown, family?: unknown) => void)[] = []
    const lookup = ((_host: string, _options: object, callback: () => void) => void lookups.push(callback)) as LookupFunction
    const resolver = new Resolver(lookup, 10_000, time, 60_000)
    const before = resolver.resolve('a.example')
    lookups[0]!(null, '192.0.2.1', 4)
    await before
    time.advance(10_001)
    const stale = resolver.resolve('a.example')
    time.advance(1_800)
    expect((await stale).addresses).toEqual(first)
    const refusal = new Error('a private address')
    lookups[1]!(refusal)
    await new Promise(setImmediate)
    const next = resolver.resolve('a.example')
    expect(lookups).toHaveLength(3)
    lookups[2]!(refusal)
    await expect(next).rejects.toMatchObject({ cause: refusal })
  })

  it('but not after a new answer', async () => {
    const { resolver, answer } = await startResolver()
    answer('192.0.2.7')
    expect((await resolver.resolve('a.example')).addresses).toEqual([{ address: '192.0.2.7', family: 4 }])
  })

  it('even if it was forgotten because of the age of a connection', async () => {
    const { resolver, answer } = await startResolver()
    await resolver.resolve('a.example')
    resolver.forget('a.example')
    answer(failure('EAI_AGAIN'))
    expect((await resolver.resolve('a.example')).addresses).toEqual(first)
  })
})
