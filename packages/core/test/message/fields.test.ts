/** Fields of responses, and the checks of request fields. */

import { checkFields, Fields } from '../../src/message/fields.js'

describe('the fields of a response', () => {
  const fields = new Fields(['content-type', 'text/plain', 'set-cookie', 'a=1', 'vary', 'x', 'set-cookie', 'b=2', 'vary', 'y'])

  it('are found by name in any case, and their lines are joined (RFC 9110 §5.3)', () => {
    expect(fields.get('Vary')).toBe('x, y')
    expect(fields.get('nope')).toBeUndefined()
    expect(fields.has('CONTENT-TYPE')).toBe(true)
    expect(fields.has('nope')).toBe(false)
    expect(fields.getAll('Set-Cookie')).toEqual(['a=1', 'b=2'])
    expect(fields.size).toBe(5)
    expect([...fields][0]).toEqual(['content-type', 'text/plain'])
  })

  it('are converted to an object without a prototype, with set-cookie as a list', () => {
    const object = new Fields(['__proto__', 'x', 'set-cookie', 'a=1', 'vary', 'x', 'vary', 'y']).toObject()
    expect(Object.getPrototypeOf(object)).toBeNull()
    expect(Object.entries(object)).toEqual([
      ['__proto__', 'x'],
      ['set-cookie', ['a=1']],
      ['vary', 'x, y'],
    ])
    expect(fields.toObject()['set-cookie']).toEqual(['a=1', 'b=2'])
  })
})

describe('checkFields', () => {
  it('accepts records, pairs and Fields, lowercases names, and removes whitespace around values', () => {
    const expected = ['x-a', '1', 'x-b', '2', 'x-b', '3']
    expect(checkFields({ 'X-A': ' 1\t', 'x-b': ['2', '3'], 'x-c': undefined }).list).toEqual(expected)
    expect(checkFields(new Map([['X-A', '1']])).list).toEqual(['x-a', '1'])
    expect(checkFields(new Fields(expected)).list).toEqual(expected)
    expect(checkFields({ 'x-n': 5 }).list).toEqual(['x-n', '5'])
    expect(checkFields(undefined).list).toEqual([])
  })

  it('removes fields with their own meaning: host, connection: close, content-length', () => {
    const checked = checkFields({ host: 'b.example', connection: 'Close', 'content-length': '7', te: 'trailers' })
    expect(checked).toMatchObject({ list: ['te', 'trailers'], host: 'b.example', close: true, contentLength: 7 })
  })

  it.each(['', 'a b', 'a:b', ':path', 'a\r\nb', 'ü', 'a\0'])(
    'refuses the name %j (RFC 9110 §5.1: "field-name = token")',
    (name) => {
      expect(() => checkFields([[name, 'x']])).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_FIELD_NAME', message: expect.stringContaining(JSON.stringify(name)) }),
      )
    },
  )

  it.each(['a\r\nb', 'a\nb', 'a\0b', '\x7f', 'snow ☃'])(
    'refuses the value %j without repeating it, as it may be a credential',
    (value) => {
      expect(() => checkFields({ authorization: value })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_FIELD_VALUE', message: expect.stringMatching(/"authorization"/) }),
      )
      expect(() => checkFields({ authorization: value })).toThrow(expect.not.stringContaining(value))
    },
  )

  it.each([null, true, { a: 1 }, Symbol('x')])('refuses a value that is neither text nor a number', (value) => {
    expect(() => checkFields({ 'x-a': value } as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_FIELD_VALUE' }))
  })

  it.each([
    ['transfer-encoding', 'chunked'],
    ['upgrade', 'websocket'],
    ['Upgrade', 'h2c'],
  ])(
    'refuses %s: %s (RFC 9113 §8.2.2: "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific")',
    (name, value) => {
      expect(() => checkFields({ [name]: value })).toThrow(
        expect.objectContaining({ code: 'ERR_FORBIDDEN_FIELD', message: expect.stringContaining(name.toLowerCase()) }),
      )
    },
  )

  it.each([
    ['connection', 'keep-alive', false],
    ['Connection', 'Keep-Alive, Upgrade', false],
    ['connection', 'keep-alive ,\tClose', true],
    ['connection', 'x-a', false],
    ['connection', 'closed', false],
    ['connection', '', false],
    ['connection', ',,', false],
    ['keep-alive', 'timeout=5', false],
    ['proxy-connection', 'close', false],
    ['http2-settings', 'AAMAAABk', false],
    ['te', 'gzip', false],
    ['TE', 'deflate;q=0.5, trailersx', false],
  ])('drops %s: %s, which copied headers may contain', (name, value, close) => {
    expect(checkFields({ [name]: value, 'x-a': 'b' })).toMatchObject({ list: ['x-a', 'b'], close })
  })

  it.each(['trailers', 'Trailers', 'gzip, trailers', 'trailers;q=0.5, deflate'])(
    'sends te: %s as te: trailers, the only form in HTTP/2',
    (value) => {
      expect(checkFields({ te: value }).list).toEqual(['te', 'trailers'])
    },
  )

  it.each(['-1', '+5', '5, 5', '0x5', '1e3', ''])('refuses content-length %j', (value) => {
    expect(() => checkFields({ 'content-length': value })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_FIELD_VALUE' }))
  })

  it.each(['', 'a.example/path', 'user@a.example', 'a.example?q', 'a b', 'a.example#x', 'a\\b'])(
    'refuses the host %j',
    (host) => {
      expect(() => checkFields({ host })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_FIELD_VALUE' }))
    },
  )

  it.each(['a.example', 'a.example:8443', '[::1]:80', 'x_y.example'])('accepts the host %j', (host) => {
    expect(checkFields({ host }).host).toBe(host)
  })

  it('refuses two content-lengths that differ', () => {
    expect(() =>
      checkFields([
        ['content-length', '1'],
        ['Content-Length', '2'],
      ]),
    ).toThrow(expect.objectContaining({ code: 'ERR_INVALID_FIELD_VALUE' }))
  })
})
