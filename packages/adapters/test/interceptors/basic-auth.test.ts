/** `basicAuth()`: encoding, and which requests get the credentials. */

import { basicAuth } from '../../src/interceptors/index.js'
import { testEnvironment } from '../environment.js'
import { counted, URL_ } from './fixture.js'
import { authorizations } from './redirects.js'

const environment = testEnvironment()
const origins = ['https://a.test.example']

it.each([
  // The examples of RFC 7617 §2 and §2.1.
  ['Aladdin', 'open sesame', 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='],
  ['test', '123£', 'Basic dGVzdDoxMjPCow=='],
  ['', ':', 'Basic Ojo='],
])('sends %j and %j as UTF-8', async (username, password, field) => {
  const { client } = counted([basicAuth({ origins, username, password })], ({ headers }) => ({
    json: headers.get('authorization'),
  }))
  expect(await (await client.request({ url: URL_ })).json()).toBe(field)
  expect(await (await client.request({ url: URL_, headers: { authorization: 'own' } })).json()).toBe('own')
})

it('a redirect to a foreign host gets no credentials, and one back gets them', async () => {
  const seen = await authorizations(environment, (origin) => basicAuth({ origins: [origin], username: 'u', password: 'p' }))
  expect(seen).toEqual({ '/start': 'Basic dTpw', '/foreign': undefined, '/back': 'Basic dTpw' })
})

it.each<[string, object]>([
  ['a colon in the user name', { username: 'us:er', password: 'p' }],
  ['a control character in the user name', { username: 'us\ner', password: 'p' }],
  ['a control character in the password', { username: 'u', password: 'se\x7fcret' }],
  ['no password', { username: 'user' }],
  ['a password of another type', { username: 'user', password: 12_345 }],
])('refuses %s, and the error shows neither', (_what, given) => {
  let message = ''
  try {
    basicAuth({ origins, ...given } as never)
  } catch (error) {
    expect(error).toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_OPTION' })
    message = (error as Error).message
  }
  expect(message).toMatch(/^option (username|password) takes text/)
  expect(message).not.toMatch(/us.er|se.cret|12345/)
})

it.each<[object, string]>([
  [{ username: 'u', password: 'p' }, 'ERR_INVALID_OPTION'],
  [{ username: 'u', password: 'p', origins: [] }, 'ERR_INVALID_OPTION'],
  [{ user: 'u', password: 'p', origins }, 'ERR_UNKNOWN_OPTION'],
])('refuses %j with %s', (options, code) => {
  expect(() => basicAuth(options as never)).toThrow(expect.objectContaining({ code }))
})
