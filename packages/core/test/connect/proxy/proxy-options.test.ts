/** Valid proxy options, and the errors for invalid options. */

import { checkProxy, type ProxySetting } from '../../../src/connect/proxy/proxy-options.js'
import { Client, type ProxyOption } from '../../../src/index.js'

const check = (setting: unknown): ReturnType<typeof checkProxy> => checkProxy(setting as ProxySetting, 'option proxy')

it.each([
  ['http://proxy.example', 'http', 'proxy.example', 80],
  ['http://proxy.example:3128/', 'http', 'proxy.example', 3128],
  ['http://proxy.example:80', 'http', 'proxy.example', 80],
  ['HTTPS://PROXY.example', 'https', 'proxy.example', 443],
  ['https://proxy.example:8443', 'https', 'proxy.example', 8443],
  ['socks5://proxy.example', 'socks5', 'proxy.example', 1080],
  ['socks5h://Proxy.EXAMPLE:80', 'socks5h', 'proxy.example', 80],
  ['socks4://192.0.2.1', 'socks4', '192.0.2.1', 1080],
  ['socks4a://proxy.example:443', 'socks4a', 'proxy.example', 443],
  ['http://[2001:DB8::1]:3128', 'http', '2001:db8::1', 3128],
  ['socks5://[2001:DB8:0::1]', 'socks5', '2001:db8::1', 1080],
  ['https://prö.example', 'https', 'xn--pr-gka.example', 443],
])('%s is parsed into scheme, host and port', (url, scheme, host, port) => {
  const name = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
  expect(check(url)).toMatchObject({ scheme, host, port, name })
  expect(check(new URL(url)).name).toBe(name)
  expect(check({ url }).key).toBe(check(url).key)
})

it.each([
  ['http://user:pass@p.example', ['proxy-authorization', 'Basic dXNlcjpwYXNz']],
  ['http://user@p.example', ['proxy-authorization', 'Basic dXNlcjo=']],
  ['http://:pass@p.example', ['proxy-authorization', 'Basic OnBhc3M=']],
  ['http://%C3%A4%40:%3A%25@p.example', ['proxy-authorization', `Basic ${Buffer.from('ä@::%').toString('base64')}`]],
  ['http://p.example', []],
])('credentials are sent with Basic authentication (RFC 7617): %s', (url, fields) => {
  expect(check(url).fields).toEqual(fields)
})

it('fields for the proxy are validated and lowercased like request fields', () => {
  expect(check({ url: 'http://p', headers: { 'Proxy-Authorization': ' Bearer x ' } }).fields).toEqual([
    'proxy-authorization',
    'Bearer x',
  ])
  expect(check({ url: 'http://u@p', headers: [['x-a', '1']] }).fields).toEqual(['x-a', '1', 'proxy-authorization', 'Basic dTo='])
})

it('the key contains everything that distinguishes two proxies, without readable secrets', () => {
  const settings: ProxySetting[] = [
    'http://p',
    'https://p',
    'http://p:81',
    'http://q',
    'http://hunter2@p',
    'http://hunter2:x@p',
    'http://hunter2:y@p',
    { url: 'http://p', headers: { 'x-a': 'hunter2' } },
    { url: 'http://p', headers: { 'x-a': 'hunter2', 'x-b': '' } },
    { url: 'https://p', protocols: ['h2'] },
    { url: 'https://p', tls: { ca: 'hunter2' } },
    { url: 'https://p', tls: { rejectUnauthorized: false } },
    'socks5://p',
    'socks5h://p',
    'socks5h://hunter2:x@p',
  ]
  const keys = settings.map((setting) => check(setting).key)
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys.join()).not.toContain('hunter2')
  expect(keys.join()).not.toContain(Buffer.from('hunter2').toString('base64').slice(0, 8))
  expect(settings.map((setting) => check(setting).key)).toEqual(keys)
})

it.each<[string, unknown, string]>([
  ['text that is not a URL', 'secret', 'is not a valid URL'],
  ['an empty string', '', 'is not a valid URL'],
  ['an unknown scheme', 'ftp://secret@p.example', 'has scheme "ftp:"'],
  ['SOCKS without a version', 'socks://secret@p.example', 'has scheme "socks:"'],
  ["a scheme that is not a proxy's", 'javascript:secret', 'has scheme "javascript:"'],
  ['a URL without a host', 'socks5://', 'has no usable host or port'],
  ['a URL with a user and without a host', 'socks5://secret@:1', 'is not a valid URL'],
  ['port 0', 'http://secret@p.example:0', 'has no usable host or port'],
  ['a path', 'http://secret@p.example/x', 'a path'],
  ['a query', 'http://secret@p.example/?x', 'a query'],
  ['a fragment', 'http://secret@p.example/#x', 'a fragment'],
  ['CR LF in the user', 'http://secret%0D%0Ax:y@p.example', 'control characters'],
  ['LF in the password', 'http://x:secret%0Ay@p.example', 'control characters'],
  ['NUL for SOCKS', 'socks5://x:secret%00y@p.example', 'control characters'],
  ['a user that is not UTF-8', 'http://secret%FF@p.example', 'percent-encoded UTF-8'],
  ['an incomplete percent-encoding', 'http://secret%zz@p.example', 'percent-encoded UTF-8'],
  ['a user with a colon', 'http://secret%3A:y@p.example', 'a colon'],
  ['duplicate credentials', { url: 'http://secret@p', headers: { 'proxy-authorization': 'Bearer secret' } }, 'twice'],
  ['a SOCKS user of 256 bytes', `socks5://${'secret'.repeat(43)}:x@p.example`, '1 to 255'],
  ['a SOCKS user without a password', 'socks5://secret@p.example', '1 to 255'],
  ['a password for SOCKS 4', 'socks4://x:secret@p.example', 'SOCKS 4'],
  ['fields for SOCKS', { url: 'socks5://p', headers: { 'x-a': 'secret' } }, 'takes no headers'],
  ['an empty list of protocols', { url: 'https://p', protocols: [] }, 'protocols'],
  ['an unknown protocol', { url: 'https://p', protocols: ['spdy/3'] }, 'protocols'],
  ['a host field', { url: 'http://p', headers: { host: 'secret' } }, '"host"'],
  ['a content-length field', { url: 'http://p', headers: { 'content-length': '1' } }, '"content-length"'],
  ['a connection field', { url: 'http://p', headers: { connection: 'close' } }, '"connection"'],
  ['headers as text', { url: 'http://p', headers: 'secret' }, 'takes an object as headers'],
  ['an empty object', {}, 'takes a URL'],
  ['null', null, 'takes a URL'],
  ['a number', 7, 'takes a URL'],
  ['a promise', Promise.resolve('http://p'), 'takes a URL'],
])('%s is refused when the client is created, by an error without the value', (_title, setting, expected) => {
  const make = (): Client => new Client({ proxy: setting as ProxyOption })
  expect(make).toThrow(expect.objectContaining({ name: 'UsageError', code: 'ERR_INVALID_OPTION', processed: 'no' }))
  expect(make).toThrow(expected)
  expect(make).toThrow(/^(?!.*secret)option proxy /s)
})

it('unknown options are refused at both levels', () => {
  expect(() => check({ url: 'http://p', header: {} })).toThrow('unknown option "header" of option proxy: did you mean "headers"?')
  expect(() => check({ url: 'http://p', tls: { host: 'x' } })).toThrow('unknown option "tls.host" of option proxy')
  expect(() => check({ url: 'http://p', headers: { 'x y': '1' } })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_FIELD_NAME' }),
  )
  expect(() => check({ url: 'http://p', headers: { x: 'a\r\nb' } })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_FIELD_VALUE' }),
  )
})
