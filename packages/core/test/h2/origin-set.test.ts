/** The Origin Set of a connection (RFC 8336). */

import { MAX_EXAMINED_ORIGINS, MAX_ORIGIN_SET, OriginSet } from '../../src/h2/origin-set.js'
import { parseOrigin } from '../../src/index.js'
import type { Route } from '../../src/transport/route.js'

const createSet = (url = 'https://a.example'): OriginSet => new OriginSet({ origin: parseOrigin(url) } as Route)

describe('OriginSet', () => {
  it('is undefined until the first ORIGIN frame, and then begins with the origin of the connection (RFC 8336 §2.3)', () => {
    const set = createSet()
    expect(set.value).toBeUndefined()
    expect(set.add([])).toBe(true)
    expect([...set.value!]).toEqual(['https://a.example'])
    expect(set.add(['https://b.example', 'https://b.example:8443'])).toBe(true)
    expect([...set.value!]).toEqual(['https://a.example', 'https://b.example', 'https://b.example:8443'])
    expect(set.add(['https://b.example'])).toBe(false)
  })

  it.each([
    'http://b.example',
    'https://b.example/',
    'https://b.example:443',
    'https://B.example',
    'https://user@b.example',
    'https://b.example?x',
    'b.example',
    'null',
    '',
    'https://',
    'https://*.example',
    'wss://b.example',
  ])('skips the entry %j', (entry) => {
    const set = createSet()
    set.add([entry, 'https://good.example'])
    // The URL parser accepts a wildcard as a host, which matches only itself.
    const expected = ['https://a.example', ...(entry === 'https://*.example' ? [entry] : []), 'https://good.example']
    expect([...set.value!]).toEqual(expected)
  })

  it('is ignored on a cleartext connection (RFC 8336 §2.2)', () => {
    const set = createSet('http://a.example')
    expect(set.add(['https://b.example'])).toBe(false)
    expect(set.value).toBeUndefined()
  })

  it('holds at most MAX_ORIGIN_SET origins', () => {
    const set = createSet()
    for (let i = 0; i < 1_000; i++) set.add([`https://h${i}.example`])
    expect(set.value!.size).toBe(MAX_ORIGIN_SET)
    expect(set.value!.has(parseOrigin('https://a.example').serialized)).toBe(true)
  })

  it('parses at most MAX_EXAMINED_ORIGINS entries, and none that is too long', () => {
    const set = createSet()
    set.add([`https://${'h'.repeat(400)}.example`])
    for (let i = 0; i < MAX_EXAMINED_ORIGINS - 2; i++) set.add(['not an origin'])
    expect(set.add(['https://last.example'])).toBe(true)
    expect(set.add(['https://late.example'])).toBe(false)
    expect([...set.value!]).toEqual(['https://a.example', 'https://last.example'])
  })
})
