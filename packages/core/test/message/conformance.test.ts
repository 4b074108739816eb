/** Requirements of RFC 9113 §8 for requests; all are in docs/contributing/conformance.md. */

import { checkFields } from '../../src/message/fields.js'
import { checkRequest } from '../../src/message/request.js'
import type { RequestOptions } from '../../src/message/request-options.js'

const url = 'https://a.example/'
const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
const codesOf = (list: readonly string[]): number[] => list.map((byte) => byte.charCodeAt(0))
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

const passes = (name: string, value: string): boolean => {
  try {
    checkFields([[name, value]])
    return true
  } catch {
    return false
  }
}

describe('names and values of fields', () => {
  it('§8.2 "Field names MUST be converted to lowercase when constructing an HTTP/2 message"', () => {
    const upper = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    expect(checkFields([[upper, 'Value Is Kept']]).list).toEqual([upper.toLowerCase(), 'Value Is Kept'])
    expect(checkRequest({ url, headers: { 'X-Mixed': 'A' } }).fields).toEqual(['x-mixed', 'A'])
  })

  it.each([
    ['first', (byte: string) => `${byte}ab`],
    ['in the middle', (byte: string) => `a${byte}b`],
    ['last', (byte: string) => `ab${byte}`],
  ])(
    '§8.2.1 "A field name MUST NOT contain characters in the ranges 0x00-0x20 ... or 0x7f-0xff", "MUST NOT include a colon", when sending: %s',
    (_place, name) => {
      const refused = codesOf(bytes.filter((byte) => !passes(name(byte), 'v')))
      expect(refused).toEqual(expect.arrayContaining([...range(0x00, 0x20), 0x3a, ...range(0x7f, 0xff)]))
      for (const byte of bytes.filter((each) => passes(name(each), 'v'))) {
        expect(checkFields([[name(byte), 'v']]).list[0]).not.toMatch(/[A-Z]/)
      }
    },
  )

  it.each([
    ['first', (byte: string) => `${byte}b`],
    ['in the middle', (byte: string) => `a${byte}b`],
    ['last', (byte: string) => `a${byte}`],
  ])(
    '§8.2.1 "A field value MUST NOT contain the zero value (ASCII NUL, 0x00), line feed ... or carriage return" when sending: %s',
    (_place, value) => {
      const refused = codesOf(bytes.filter((byte) => !passes('a', value(byte))))
      expect(refused).toEqual(expect.arrayContaining([0x00, 0x0a, 0x0d]))
      expect(refused.every((code) => code < 0x20 || code === 0x7f)).toBe(true)
    },
  )

  it('§8.2.1 "A field value MUST NOT start or end with an ASCII whitespace character": the whitespace is removed before it is sent', () => {
    for (const value of [' \ta b\t ', '\ta b', 'a b ']) expect(checkFields({ a: value }).list).toEqual(['a', 'a b'])
    expect(checkFields({ a: ' \t ' }).list).toEqual(['a', ''])
  })

  it('§8.2.2 te: "it MUST NOT contain any value other than "trailers""', () => {
    expect(checkFields({ te: ' trailers ' }).list).toEqual(['te', 'trailers'])
    for (const te of ['trailers, gzip', 'trailers;q=0.5', 'trailers, trailers'])
      expect(checkFields({ te }).list).toEqual(['te', 'trailers'])
    for (const te of ['', 'gzip', 'gzip;q=1']) expect(checkFields({ te }).list).toEqual([])
  })
})

describe('pseudo-fields', () => {
  it.each([':method', ':scheme', ':authority', ':path', ':status', ':protocol', ':what', ':'])(
    '§8.3 "Endpoints MUST NOT generate pseudo-header fields other than those defined in this document", nor twice: %s of a caller is refused',
    (name) => {
      for (const headers of [{ [name]: 'x' }, [[name, 'x']] as [string, string][], new Map([[name, 'x']])]) {
        expect(() => checkRequest({ url, headers })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_FIELD_NAME' }))
      }
    },
  )

  it.each<[string, Partial<RequestOptions>, [string, string, string, string]]>([
    ['a URL without a path', { url: 'https://a.example' }, ['GET', 'https', 'a.example', '/']],
    ['a URL with only a query', { url: 'https://a.example?q=1' }, ['GET', 'https', 'a.example', '/?q=1']],
    ['a URL with only a fragment', { url: 'http://a.example#top' }, ['GET', 'http', 'a.example', '/']],
    ['a URL object', { url: new URL('https://A.example:443') }, ['GET', 'https', 'a.example', '/']],
    [
      'a URL with a port, and a method',
      { url: 'https://a.example:8443/x?y', method: 'PURGE' },
      ['PURGE', 'https', 'a.example:8443', '/x?y'],
    ],
    ['a URL with an IP address', { url: 'http://[::1]:8080/' }, ['GET', 'http', '[::1]:8080', '/']],
  ])(
    '§8.3.1 "All HTTP/2 requests MUST include exactly one valid value for the ":method", ":scheme", and ":path" pseudo-header fields": %s',
    (_title, options, expected) => {
      const { method, scheme, authority, path } = checkRequest({ url, ...options })
      expect([method, scheme, authority, path]).toEqual(expected)
    },
  )

  it('§8.3.1 ":path" "MUST NOT be empty for "http" or "https" URIs", those "that do not contain a path component MUST include a value of \'/\'"', () => {
    for (const each of [
      'https://a.example',
      'http://a.example',
      'https://a.example?',
      'https://a.example#x',
      'https://a.example/.',
    ]) {
      expect(checkRequest({ url: each }).path).toBe(each.includes('?') ? '/?' : '/')
    }
  })
})

describe('authority', () => {
  it('§8.3.1 "Clients that generate HTTP/2 requests directly MUST use the ":authority" pseudo-header field to convey authority information"', () => {
    for (const headers of [{}, { host: 'b.example' }, { Host: 'b.example:1' }]) {
      const request = checkRequest({ url, headers })
      expect(request.authority).toBe(Object.values(headers)[0] ?? 'a.example')
      expect(request.fields).toEqual([])
    }
  })

  it('§8.3.1 "Clients MUST NOT generate a request with a Host header field that differs from the ":authority" pseudo-header field": Host is not sent', () => {
    const request = checkRequest({
      url,
      headers: [
        ['host', 'b.example'],
        ['Host', 'c.example'],
      ],
    })
    expect([request.authority, ...request.fields]).toEqual(['c.example'])
  })

  it('§8.3.1 "":authority" MUST NOT include the deprecated userinfo subcomponent for "http" or "https" schemed URIs"', () => {
    for (const each of ['https://user@a.example/', 'http://user:secret@a.example/', 'https://:secret@a.example/']) {
      expect(() => checkRequest({ url: each })).toThrow(expect.objectContaining({ code: 'ERR_URL_CREDENTIALS' }))
    }
    for (const host of ['user@a.example', 'user:secret@a.example', '@a.example']) {
      expect(() => checkRequest({ url, headers: { host } })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_FIELD_VALUE' }))
    }
  })
})
