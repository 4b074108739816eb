/** Origins and request targets of URLs. */

import fc from 'fast-check'
import { parseOrigin, parseRequestUrl } from '../../src/message/origin.js'

describe('parseRequestUrl', () => {
  it('splits a URL into origin and request target, without the fragment (RFC 9110 §4.2.5)', () => {
    const { origin, path } = parseRequestUrl('https://API.example:443/a/../b?q=1#top')
    expect(path).toBe('/b?q=1')
    expect(origin).toEqual({
      serialized: 'https://api.example',
      scheme: 'https',
      host: 'api.example',
      port: 443,
      authority: 'api.example',
      isAddress: false,
    })
  })

  it('distinguishes addresses from names, and returns IPv6 without brackets', () => {
    expect(parseOrigin('http://[::1]:8080/')).toMatchObject({ host: '::1', port: 8080, authority: '[::1]:8080', isAddress: true })
    expect(parseOrigin('https://127.0.0.1/')).toMatchObject({ host: '127.0.0.1', isAddress: true })
  })

  it('returns one object for one origin', () => {
    expect(parseOrigin('https://one.example/a')).toBe(parseOrigin(new URL('https://one.example:443/b')))
  })

  it.each([
    ['/relative', 'ERR_INVALID_URL'],
    ['https://', 'ERR_INVALID_URL'],
    ['ftp://a.example/', 'ERR_UNSUPPORTED_SCHEME'],
    ['data:text/plain,x', 'ERR_UNSUPPORTED_SCHEME'],
    ['https://user:secret@a.example/', 'ERR_URL_CREDENTIALS'],
  ])('refuses %s', (url, code) => {
    expect(() => parseRequestUrl(url)).toThrow(expect.objectContaining({ code }))
  })

  it('repeats no password in errors', () => {
    expect(() => parseRequestUrl('https://user:secret@a.example/')).toThrow(expect.not.stringContaining('secret'))
  })

  it.each([
    ['https://a.example/path/?', '/path/?'],
    ['https://a.example?', '/?'],
    ['https://a.example/?#fragment', '/?'],
    ['https://a.example/?#', '/?'],
    ['https://a.example/#?', '/'],
    ['https://a.example/??', '/??'],
    ['https://A.example/a b?', '/a%20b?'],
    ['https://a.example/a/../?', '/?'],
    ['http+unix://%2Frun%2Fa.sock/x?', '/x?'],
    ['http+unix://%2Frun%2Fa.sock/x?#y', '/x?'],
    ['http+unix:///run/a.sock?', '/?'],
  ])('keeps the question mark of an empty query: %s', (url, path) => {
    expect(parseRequestUrl(url).path).toBe(path)
    expect(parseRequestUrl(new URL(url)).path).toBe(path)
    // Once more: the origin is cached now.
    expect(parseRequestUrl(url).path).toBe(path)
  })

  it.each([
    ['https://dots.example/a/../b?q=../c', '/a/../b?q=../c'],
    ['https://dots.example/./a/..', '/./a/..'],
    ['https://dots.example/a/%2E%2e/b', '/a/%2E%2e/b'],
    ['https://dots.example//a//b', '//a//b'],
    ['https://dots.example', '/'],
    // A path that the parser must rewrite is rewritten as a whole.
    ['https://dots.example/a/../b c', '/b%20c'],
    ['http+unix:///run/../run/a.sock', '/'],
  ])('keeps dot segments if asked to: %s', (url, path) => {
    expect(parseRequestUrl(url, true).path).toBe(path)
    // Once more: the origin is cached now.
    expect(parseRequestUrl(url, true).path).toBe(path)
  })

  it('agrees with the WHATWG parser on every path in its fast path', () => {
    parseRequestUrl('https://known.example/')
    const part = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2E',
      '%41',
      '%zz',
      '?',
      '#',
      '\\',
      'a',
      "'",
      '"',
      '<',
      ' ',
      '|',
      'ü',
      ';',
      '@',
      ':',
      '\t',
    )
    const path = fc.oneof(
      fc.array(part).map((parts) => parts.join('')),
      fc.string(),
    )
    fc.assert(
      fc.property(path, (text) => {
        const url = `https://known.example/${text}`
        const expected = new URL(url)
        expect(parseRequestUrl(url)).toMatchObject({
          path: expected.href.slice(expected.origin.length).split('#')[0],
          origin: { serialized: expected.origin },
        })
      }),
      { numRuns: 2_000 },
    )
  })
})

it('a URL with Latin-1 characters is parsed however often (Node 20’s URL.canParse fails)', () => {
  for (let i = 0; i < 10_000; i++) expect(parseRequestUrl(`https://bücher.example/${i}?ä`).path).toBe(`/${i}?%C3%A4`)
})

it('with more origins than are cached none is mistaken for another, and a cached origin is one object', () => {
  const hosts = Array.from(
    { length: 40_000 },
    (_, i) => `https://${i % 2 === 0 ? 'a' : 'b'}${i}.example${i % 3 === 0 ? ':8443' : ''}`,
  )
  for (const round of [1, 2]) {
    for (const host of hosts) {
      const { origin, path } = parseRequestUrl(`${host}/${round}`)
      if (origin.serialized !== host || path !== `/${round}`) throw new Error(`${host} was taken for ${origin.serialized}`)
      if (parseRequestUrl(`${host}/again`).origin !== origin) throw new Error(`${host} is two objects`)
    }
  }
  // A longer host that begins like a cached one, and another port.
  parseRequestUrl('https://known.example/')
  for (const url of ['https://known.example.evil.example', 'https://known.example:444', 'http://known.example']) {
    expect(parseRequestUrl(`${url}/`).origin.serialized).toBe(url)
  }
})
