/** `digestAuth()`: answers to challenges, nonces, and which requests get the credentials. */

import { createHash } from 'node:crypto'
import type { MockHandler, MockRequest } from '@unshard/core/testing'
import { parseChallenges } from '../../src/interceptors/challenges.js'
import { digestResponse, strongestOf } from '../../src/interceptors/digest.js'
import { digestAuth } from '../../src/interceptors/index.js'
import { testEnvironment } from '../environment.js'
import { counted, once, URL_ } from './fixture.js'
import { authorizations } from './redirects.js'

const environment = testEnvironment()
const origins = ['https://a.test.example']
const username = 'Mufasa'
const password = 'Circle of Life'
const auth = () => digestAuth({ origins, username, password })

it.each([
  ['md5', '8ca523f5e9506fed4657c9700eebdbec'],
  ['sha256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
])('computes the example of RFC 7616 §3.9.1 with %s', (hash, expected) => {
  const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v'
  const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
  const fields = { realm: 'http-auth@example.org', nonce, nc: '00000001', cnonce, method: 'GET', uri: '/dir/index.html' }
  expect(digestResponse({ username, password, hash, ...fields })).toBe(expected)
})

describe('challenges', () => {
  const simple = (field: string) =>
    parseChallenges(field).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])

  it.each<[string, unknown]>([
    [
      'Basic realm="a, b", Digest nonce=n, qop="auth"',
      [
        ['basic', { realm: 'a, b' }],
        ['digest', { nonce: 'n', qop: 'auth' }],
      ],
    ],
    [
      'Negotiate, DIGEST Realm = "a \\"b\\" \\\\"',
      [
        ['negotiate', {}],
        ['digest', { realm: 'a "b" \\' }],
      ],
    ],
    [
      'Negotiate YWJj==, Digest nonce="1"',
      [
        ['negotiate', { ywjj: '' }],
        ['digest', { nonce: '1' }],
      ],
    ],
    ['Digest nonce=1, nonce=2', [['digest', { nonce: '1' }]]],
    ['Digest nonce="1', [['digest', { nonce: '1' }]]],
    ['Digest nonce="1\\', [['digest', { nonce: '1' }]]],
    ['"quoted", =, Digest', [['digest', {}]]],
    ['', []],
  ])('%j', (field, expected) => {
    expect(simple(field)).toEqual(expected)
  })

  it.each<[string, string | undefined]>([
    ['Digest nonce=1, qop=auth, Digest nonce=2, qop="auth-int, auth", algorithm=sha-256', '2'],
    ['Digest nonce=1, qop=auth, algorithm=SHA-512-256, Digest nonce=2, qop=auth, algorithm=MD5', '2'],
    ['Digest nonce=1, qop=auth-int', undefined],
    ['Digest nonce=1', undefined],
    ['Digest qop=auth', undefined],
    ['Basic nonce=1, qop=auth', undefined],
  ])('the strongest of %j has the nonce %s', (field, nonce) => {
    expect(strongestOf(parseChallenges(field))?.parameters.get('nonce')).toBe(nonce)
  })

  it('of any length are parsed in linear time', () => {
    for (const unit of ['"', '\\"', 'a=', ',', 'a ', '="\\']) parseChallenges(`Digest ${unit.repeat(500_000)}`)
  })
})

interface ServerOptions {
  readonly algorithm?: string
  /** Uses of a nonce before it is stale. */
  readonly uses?: number
  readonly staleField?: string
  readonly password?: string
}

/** A server that checks the digest and the nonce count as RFC 7616 says. */
function digestServer(options: ServerOptions = {}): { handler: MockHandler; seen: string[] } {
  const { algorithm = 'SHA-256', uses = 100, staleField = ', stale=true', password: expected = password } = options
  const seen: string[] = []
  let generation = 1
  let counted = 0
  const challenge = (stale = '') => ({
    status: 401,
    headers: {
      'www-authenticate': `Digest realm="a \\"b\\"", qop="auth", algorithm=${algorithm}, nonce="n${generation}", opaque="o"${stale}`,
    },
  })
  const handler = async (request: MockRequest) => {
    const field = request.headers.get('authorization')
    await request.bytes()
    if (field === undefined) return challenge()
    const { parameters } = parseChallenges(field)[0]!
    const part = (name: string) => parameters.get(name) ?? ''
    seen.push(`${part('nonce')} ${part('nc')}`)
    if (part('nonce') !== `n${generation}` || counted === uses) {
      if (counted === uses) generation++
      counted = 0
      return challenge(staleField)
    }
    const hash = (text: string) => createHash(algorithm.replace('-', '').toLowerCase()).update(text).digest('hex')
    const secret = hash(`${part('username')}:a "b":${expected}`)
    const message = hash(`${request.method}:${request.url.slice('https://a.test.example'.length)}`)
    const response = hash(`${secret}:${part('nonce')}:${part('nc')}:${part('cnonce')}:auth:${message}`)
    if (part('response') !== response || part('opaque') !== 'o' || Number.parseInt(part('nc'), 16) <= counted) return challenge()
    counted = Number.parseInt(part('nc'), 16)
    return { body: 'content' }
  }
  return { handler, seen }
}

it.each(['SHA-256', 'MD5'])('answers a challenge with %s, and later requests use its nonce', async (algorithm) => {
  const { handler, seen } = digestServer({ algorithm })
  const mocked = counted([auth()], handler)
  for (const request of [
    { url: `${URL_}?a="b'&c=\\` },
    { url: URL_, method: 'PUT', body: 'again' },
    { url: `${URL_}?` },
    { url: `${URL_}?#part` },
    { url: `${URL_}#?` },
  ]) {
    expect(await (await mocked.client.request(request)).text()).toBe('content')
  }
  expect(seen).toEqual([1, 2, 3, 4, 5].map((count) => `n1 0000000${count}`))
  expect(mocked.calls).toBe(6)
})

it('requests at the same time count one nonce', async () => {
  const { handler, seen } = digestServer()
  const { client } = counted([auth()], handler)
  const responses = await Promise.all([1, 2, 3].map((id) => client.request({ url: `${URL_}/${id}` })))
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(seen.sort()).toEqual(['n1 00000001', 'n1 00000002', 'n1 00000003'])
})

it.each([', stale=true', ', stale="TRUE"', ''])('a nonce that is no longer valid is replaced (%j)', async (staleField) => {
  const { handler, seen } = digestServer({ uses: 1, staleField })
  const { client } = counted([auth()], handler)
  for (let i = 0; i < 2; i++) expect((await client.request({ url: URL_ })).status).toBe(200)
  expect(seen).toEqual(['n1 00000001', 'n1 00000002', 'n2 00000001'])
})

it('a new nonce that is stale at once is replaced once', async () => {
  const stale = { status: 401, headers: { 'www-authenticate': 'Digest nonce=1, qop=auth, stale=true' } }
  const mocked = counted([auth()], () => stale)
  expect((await mocked.client.request({ url: URL_ })).status).toBe(401)
  expect(mocked.calls).toBe(3)
})

it('wrong credentials are sent once, and the 401 is returned', async () => {
  const { handler } = digestServer({ password: 'other' })
  const mocked = counted([auth()], handler)
  expect((await mocked.client.request({ url: URL_ })).status).toBe(401)
  expect(mocked.calls).toBe(2)
})

it('a body that can be read once is not sent again, and the next one is accepted', async () => {
  const { handler } = digestServer()
  const mocked = counted([auth()], handler)
  const statuses: number[] = []
  for (let i = 0; i < 2; i++) statuses.push((await mocked.client.request({ url: URL_, method: 'POST', body: once() })).status)
  expect([statuses, mocked.calls]).toEqual([[401, 200], 2])
})

it('a 401 without a challenge that can be answered is returned with its content', async () => {
  const headers = { 'www-authenticate': ['Basic realm=a', 'Digest nonce=1, qop=auth-int'] }
  const mocked = counted([auth()], () => ({ status: 401, headers, body: 'why' }))
  const response = await mocked.client.request({ url: URL_ })
  expect([response.status, await response.text(), mocked.calls]).toEqual([401, 'why', 1])
})

it('discards the response that it answers, and a field of the request wins', async () => {
  const challenge = { status: 401, headers: { 'www-authenticate': 'Digest nonce=1, qop=auth' } }
  const { client, connections } = counted([auth()], ({ headers }) =>
    headers.has('authorization')
      ? { json: headers.get('authorization') }
      : { ...challenge, body: new ReadableStream<Uint8Array>() },
  )
  expect(await (await client.request({ url: URL_, headers: { authorization: 'own' } })).json()).toBe('own')
  expect(await (await client.request({ url: URL_ })).json()).toMatch(
    /^Digest username="Mufasa", realm="", nonce="1", uri="\/path"/,
  )
  expect(connections[0]!.active).toBe(0)
})

it('a user name that is not ASCII is encoded', async () => {
  const { client } = counted([digestAuth({ origins, username: "Jäsøn(')", password })], ({ headers }) =>
    headers.has('authorization')
      ? { json: headers.get('authorization') }
      : { status: 401, headers: { 'www-authenticate': 'Digest nonce=1, qop=auth' } },
  )
  expect(await (await client.request({ url: URL_ })).json()).toContain("username*=UTF-8''J%C3%A4s%C3%B8n%28%27%29, realm")
})

it('a redirect to a foreign host gets no credentials, even if it asks', async () => {
  const seen = await authorizations(environment, (origin) => digestAuth({ origins: [origin], username, password }))
  expect(seen).toEqual({ '/start': undefined, '/foreign': undefined, '/back': undefined })
  const { port } = await environment.server({
    handler: (request, response) => {
      expect(request.headers.authorization).toBeUndefined()
      response.writeHead(401, { 'www-authenticate': 'Digest nonce=1, qop=auth' }).end()
    },
  })
  const home = await environment.server({
    handler: (_request, response) => void response.writeHead(302, { location: `https://b.test.example:${port}/` }).end(),
  })
  const interceptors = [digestAuth({ origins: [`https://a.test.example:${home.port}`], username, password })]
  expect((await environment.fetch({ interceptors })(`https://a.test.example:${home.port}/`)).status).toBe(401)
})

it.each<[object, string]>([
  [{ username, password, origins: [] }, 'ERR_INVALID_OPTION'],
  [{ username: 'a:b', password, origins }, 'ERR_INVALID_OPTION'],
  [{ username, origins }, 'ERR_INVALID_OPTION'],
  [{ username, password, origins, realm: 'a' }, 'ERR_UNKNOWN_OPTION'],
])('refuses %j with %s', (options, code) => {
  expect(() => digestAuth(options as never)).toThrow(expect.objectContaining({ code }))
})
