import { MAX_EXAMINED_ORIGINS, MAX_ORIGIN_SET, OriginSet } from '../../src/h2/origin-set.js'
import { parseOrigin } from '../../src/index.js'
import type { Route } from '../../src/transport/route.js'

const set = (url = 'https://a.example'): OriginSet => new OriginSet({ origin: parseOrigin(url) } as Route)

describe('OriginSet', () => {
  it('is unknown until the first ORIGIN frame, and then begins with the origin of the connection (RFC 8336 §2.3)', () => {
    const one = set()
    expect(one.value).toBeUndefined()
    expect(one.add([])).toBe(true)
    expect([...one.value!]).toEqual(['https://a.example'])
    expect(one.add(['https://b.example', 'https://b.example:8443'])).toBe(true)
    expect([...one.value!]).toEqual(['https://a.example', 'https://b.example', 'https://b.example:8443'])
    expect(one.add(['https://b.example'])).toBe(false)
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
  ])('%j is not the serialisation of an https origin, and is skipped', (entry) => {
    const one = set()
    one.add([entry, 'https://good.example'])
    // A wildcard is a host that the URL parser takes; it names nothing but itself.
    const expected = ['https://a.example', ...(entry === 'https://*.example' ? [entry] : []), 'https://good.example']
    expect([...one.value!]).toEqual(expected)
  })

  it('is ignored on a cleartext connection (RFC 8336 §2.2)', () => {
    const one = set('http://a.example')
    expect(one.add(['https://b.example'])).toBe(false)
    expect(one.value).toBeUndefined()
  })

  it('is bounded, however much the peer sends', () => {
    const one = set()
    for (let i = 0; i < 1_000; i++) one.add([`https://h${i}.example`])
    expect(one.value!.size).toBe(MAX_ORIGIN_SET)
    expect(one.value!.has(parseOrigin('https://a.example').serialized)).toBe(true)
  })

  it('ORIGIN flood: an entry costs a parse, so there is an end to looking at them, and to their length', () => {
    const one = set()
    one.add([`https://${'h'.repeat(400)}.example`])
    for (let i = 0; i < MAX_EXAMINED_ORIGINS - 2; i++) one.add(['not an origin'])
    expect(one.add(['https://last.example'])).toBe(true)
    expect(one.add(['https://late.example'])).toBe(false)
    expect([...one.value!]).toEqual(['https://a.example', 'https://last.example'])
  })
})
