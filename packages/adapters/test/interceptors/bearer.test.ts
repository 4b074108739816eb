/** `bearer()`: which requests get the token, and how it is renewed. */

import { bearer } from '../../src/interceptors/index.js'
import { testEnvironment } from '../environment.js'
import { counted, once, turns, URL_ } from './fixture.js'
import { authorizations } from './redirects.js'

const environment = testEnvironment()
const origins = ['https://a.test.example']

/** A server that accepts one token. */
const accepts = (token: string) => (request: { headers: { get(name: string): string | undefined } }) => ({
  status: request.headers.get('authorization') === `Bearer ${token}` ? 200 : 401,
  body: 'content',
})

it('adds the token, over which a field of the request wins', async () => {
  const { client } = counted([bearer({ origins, token: () => Promise.resolve('a.b~c+/=') })], ({ headers }) => ({
    json: headers.get('authorization'),
  }))
  expect(await (await client.request({ url: URL_ })).json()).toBe('Bearer a.b~c+/=')
  expect(await (await client.request({ url: URL_, headers: { Authorization: 'Basic own' } })).json()).toBe('Basic own')
})

it.each(['https://b.test.example/', 'http://a.test.example/', 'https://a.test.example:8443/', 'https://x.a.test.example/'])(
  'adds nothing to a request to %s',
  async (url) => {
    let tokens = 0
    const token = (): string => `t${++tokens}`
    const { client } = counted([bearer({ origins, token })], ({ headers }) => ({ json: headers.has('authorization') }))
    expect(await (await client.request({ url })).json()).toBe(false)
    expect(tokens).toBe(0)
  },
)

it('a redirect to a foreign host gets no token, and one back gets it', async () => {
  const seen = await authorizations(environment, (origin) =>
    bearer({ origins: [new URL(`${origin}/any`)], token: () => 'secret' }),
  )
  expect(seen).toEqual({ '/start': 'Bearer secret', '/foreign': undefined, '/back': 'Bearer secret' })
})

describe('after a 401', () => {
  it('the token is renewed once for all requests, and each is sent again', async () => {
    let token = 'old'
    let refreshes = 0
    const refresh = async (): Promise<void> => {
      refreshes++
      await turns()
      token = 'new'
    }
    const mocked = counted([bearer({ origins, token: () => token, refresh })], accepts('new'))
    const post = { url: URL_, method: 'POST', body: 'again' }
    const responses = await Promise.all([
      ...[1, 2, 3].map(() => mocked.client.request({ url: URL_ })),
      mocked.client.request(post),
    ])
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect([refreshes, mocked.calls]).toEqual([1, 8])
  })

  it('a 401 for a token that was renewed since renews nothing', async () => {
    let token = 'old'
    let refreshes = 0
    let answer!: () => void
    const slow = new Promise<void>((resolve) => {
      answer = resolve
    })
    const refresh = (): void => {
      refreshes++
      token = 'new'
    }
    const { client } = counted([bearer({ origins, token: () => token, refresh })], async (request) => {
      if (request.url.endsWith('/slow') && request.headers.get('authorization') === 'Bearer old') await slow
      return accepts('new')(request)
    })
    const late = client.request({ url: `${URL_}/slow` })
    await turns()
    expect((await client.request({ url: URL_ })).status).toBe(200)
    answer()
    expect((await late).status).toBe(200)
    expect(refreshes).toBe(1)
  })

  it('a new request waits for the renewal, and an error of it rejects only those that had the 401', async () => {
    let fail!: (error: Error) => void
    const refresh = () =>
      new Promise<void>((_resolve, reject) => {
        fail = reject
      })
    const mocked = counted([bearer({ origins, token: () => 'old', refresh })], () => ({ status: mocked.calls === 1 ? 401 : 200 }))
    const first = mocked.client.request({ url: URL_ })
    first.catch(() => undefined)
    await turns()
    const second = mocked.client.request({ url: URL_ })
    await turns()
    expect(mocked.calls).toBe(1)
    fail(new Error('no renewal'))
    await expect(first).rejects.toThrow('no renewal')
    expect((await second).status).toBe(200)
    expect(mocked.connections[0]!.active).toBe(0)
  })

  it.each([
    ['without refresh', undefined],
    ['if the token stays the same', () => undefined],
  ])('%s the response is returned, and its body can be read', async (_when, refresh) => {
    const mocked = counted([bearer({ origins, token: () => 'old', ...(refresh && { refresh }) })], accepts('new'))
    const response = await mocked.client.request({ url: URL_ })
    expect([response.status, await response.text(), mocked.calls]).toEqual([401, 'content', 1])
  })

  it('the second 401 is returned', async () => {
    let tokens = 0
    const mocked = counted([bearer({ origins, token: (): string => `t${++tokens}`, refresh: () => undefined })], () => ({
      status: 401,
    }))
    expect((await mocked.client.request({ url: URL_ })).status).toBe(401)
    expect(mocked.calls).toBe(2)
  })

  it('a body that can be read once is not sent again, and the token is renewed', async () => {
    let token = 'old'
    const refresh = (): void => {
      token = 'new'
    }
    const mocked = counted([bearer({ origins, token: () => token, refresh })], accepts('new'))
    expect((await mocked.client.request({ url: URL_, method: 'POST', body: once() })).status).toBe(401)
    expect([mocked.calls, token]).toEqual([1, 'new'])
  })

  it('an abort leaves the renewal to the others, and discards the response', async () => {
    let token = 'old'
    let renew!: () => void
    let refreshes = 0
    const refresh = (): Promise<void> => {
      refreshes++
      return new Promise<void>((resolve) => {
        renew = () => {
          token = 'new'
          resolve()
        }
      })
    }
    const controller = new AbortController()
    const mocked = counted([bearer({ origins, token: () => token, refresh })], accepts('new'))
    const left = mocked.client.request({ url: URL_, signal: controller.signal })
    const other = mocked.client.request({ url: URL_ })
    await turns()
    controller.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    renew()
    expect((await other).status).toBe(200)
    expect([refreshes, mocked.calls]).toEqual([1, 3])
  })
})

it('an invalid token rejects the request, and the error does not show it', async () => {
  const { client } = counted([bearer({ origins, token: () => 'sec\nret' })], () => ({}))
  const error = await client.request({ url: URL_ }).catch((reason: Error) => reason)
  expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION' })
  expect((error as Error).message).not.toContain('sec')
})

it.each<[object, string]>([
  [{ token: () => 't' }, 'ERR_INVALID_OPTION'],
  [{ token: () => 't', origins: [] }, 'ERR_INVALID_OPTION'],
  [{ token: () => 't', origins: 'https://a.test.example' }, 'ERR_INVALID_OPTION'],
  [{ token: () => 't', origins: ['nonsense'] }, 'ERR_INVALID_URL'],
  [{ token: 't', origins }, 'ERR_INVALID_OPTION'],
  [{ token: () => 't', origins, refresh: 5 }, 'ERR_INVALID_OPTION'],
  [{ tokens: () => 't', origins }, 'ERR_UNKNOWN_OPTION'],
])('refuses %j with %s', (options, code) => {
  expect(() => bearer(options as never)).toThrow(expect.objectContaining({ code }))
})
