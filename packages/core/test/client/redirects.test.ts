/** Redirects of `client.request` with `redirect: 'follow'`, and of the verbs: the rules of RFC 9110 §15.4 and of the Fetch standard. */

import type { IncomingMessage } from 'node:http'
import type { OriginHandler, OriginServer } from '@unshard/testkit'
import type { Redirect } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()

interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers `/status/target` with that redirect, and everything else with what it received. */
async function redirecting(locations: Readonly<Record<string, { status: number; location: string | string[] }>>) {
  const seen: Seen[] = []
  const handler: OriginHandler = (request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => void parts.push(part))
    request.on('end', () => {
      const entry = {
        method: request.method!,
        path: request.url!,
        headers: request.headers,
        body: Buffer.concat(parts).toString(),
      }
      seen.push(entry)
      const redirect = locations[request.url!]
      if (redirect === undefined) return void response.end(JSON.stringify(entry))
      response.writeHead(redirect.status, { location: redirect.location as string })
      response.end('moved')
    })
  }
  const origin = await server({ handler })
  return { origin, seen, url: (path: string, host = 'a') => `${origin.url(`${host}.test.example`)}${path}` }
}

const elsewhere = async (): Promise<OriginServer> => server()

it.each<[number, string, string, string]>([
  [301, 'GET', 'GET', ''],
  [301, 'POST', 'GET', ''],
  [301, 'PUT', 'PUT', 'body'],
  [302, 'POST', 'GET', ''],
  [302, 'DELETE', 'DELETE', 'body'],
  [303, 'POST', 'GET', ''],
  [303, 'PUT', 'GET', ''],
  [303, 'HEAD', 'HEAD', ''],
  [307, 'POST', 'POST', 'body'],
  [308, 'POST', 'POST', 'body'],
  [308, 'QUERY', 'QUERY', 'body'],
])('status %i: %s becomes %s', async (status, method, becomes, body) => {
  const { seen, url } = await redirecting({ '/from': { status, location: '/to' } })
  const client = createClient()
  const content =
    method === 'GET' || method === 'HEAD' ? {} : { body: 'body', headers: { 'content-type': 'text/plain', 'x-own': '1' } }
  const response = await client.request({ url: url('/from'), method, redirect: 'follow', ...content })
  await response.bytes()
  expect(seen.at(-1)).toMatchObject({ method: becomes, path: '/to', body })
  expect(seen.at(-1)!.headers['content-type']).toBe(body === '' ? undefined : 'text/plain')
  if (method !== 'GET' && method !== 'HEAD') expect(seen.at(-1)!.headers['x-own']).toBe('1')
  expect(response.url).toBe(url('/to'))
})

it('by default a redirect is the response', async () => {
  const { seen, url } = await redirecting({ '/from': { status: 302, location: '/to' } })
  const response = await createClient().request({ url: url('/from') })
  expect([response.status, await response.text(), seen.length]).toEqual([302, 'moved', 1])
})

it('credentials are dropped at another origin, and not restored when a later hop returns', async () => {
  const first = await redirecting({})
  const second = await server({
    handler: (request, response) => {
      response.writeHead(302, { location: first.url('/back'), 'x-seen': String(request.headers.authorization) })
      response.end()
    },
  })
  const start = await redirecting({ '/from': { status: 302, location: `${second.url('b.test.example')}/there` } })
  const client = createClient()
  const response = await client.request({
    url: start.url('/from'),
    redirect: 'follow',
    headers: { authorization: 'secret', cookie: 'a=b', 'proxy-authorization': 'secret', 'x-own': '1' },
  })
  const { headers } = JSON.parse(await response.text()) as Seen
  expect(headers).toMatchObject({ 'x-own': '1' })
  for (const name of ['authorization', 'cookie', 'proxy-authorization']) expect(headers).not.toHaveProperty(name)
})

it('credentials stay at the same origin', async () => {
  const { url, seen } = await redirecting({ '/from': { status: 302, location: '/to' } })
  const response = await createClient().request({ url: url('/from'), redirect: 'follow', headers: { authorization: 'secret' } })
  await response.text()
  expect(seen.at(-1)!.headers.authorization).toBe('secret')
})

it('a stream is not sent again: 307 fails, 303 needs no body', async () => {
  const { url, seen } = await redirecting({ '/307': { status: 307, location: '/to' }, '/303': { status: 303, location: '/to' } })
  const client = createClient()
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('part')
  }
  await expect(client.request({ url: url('/307'), method: 'POST', body: body(), redirect: 'follow' })).rejects.toMatchObject({
    name: 'ResponseError',
    code: 'ERR_REDIRECT_BODY',
  })
  await (await client.request({ url: url('/303'), method: 'POST', body: body(), redirect: 'follow' })).text()
  expect(seen.at(-1)).toMatchObject({ method: 'GET', path: '/to' })
})

it('more redirects than maxRedirects fail, by default 20', async () => {
  const { url, seen } = await redirecting({ '/loop': { status: 302, location: '/loop' } })
  const client = createClient()
  await expect(client.request({ url: url('/loop'), redirect: 'follow' })).rejects.toMatchObject({
    code: 'ERR_TOO_MANY_REDIRECTS',
    message: expect.stringContaining('more than 20 redirects'),
  })
  expect(seen).toHaveLength(21)
  await expect(client.request({ url: url('/loop'), redirect: 'follow', maxRedirects: 0 })).rejects.toMatchObject({
    code: 'ERR_TOO_MANY_REDIRECTS',
  })
  expect(seen).toHaveLength(22)
})

it("redirect: 'error' fails at the first one", async () => {
  const { url, seen } = await redirecting({ '/from': { status: 302, location: '/to' } })
  await expect(createClient().request({ url: url('/from'), redirect: 'error' })).rejects.toMatchObject({
    code: 'ERR_REDIRECT_REFUSED',
  })
  expect(seen).toHaveLength(1)
})

it.each([
  'ftp://a.test.example/',
  'file:///etc/passwd',
  'http+unix://%2Frun%2Fa.sock/',
  'javascript:alert(1)',
  'https://[',
  'https://a b/',
])('a redirect to %s is refused', async (location) => {
  const { url } = await redirecting({ '/from': { status: 302, location } })
  await expect(createClient().request({ url: url('/from'), redirect: 'follow' })).rejects.toMatchObject({
    code: 'ERR_REDIRECT_TARGET',
  })
})

it('a redirect without location is the response', async () => {
  const origin = await server({ handler: (_request, response) => void response.writeHead(302).end('no location') })
  const response = await createClient().request({ url: `${origin.url('a.test.example')}/`, redirect: 'follow' })
  expect([response.status, await response.text()]).toEqual([302, 'no location'])
})

describe('onRedirect', () => {
  it('is called with both URLs before the next request', async () => {
    const { url, seen } = await redirecting({ '/from': { status: 301, location: '/to' } })
    const redirects: Redirect[] = []
    const response = await createClient().request({
      url: url('/from'),
      method: 'POST',
      body: 'x',
      redirect: 'follow',
      onRedirect: (redirect) => {
        expect(seen).toHaveLength(1)
        redirects.push(redirect)
      },
    })
    await response.text()
    expect(redirects).toMatchObject([{ status: 301, from: url('/from'), to: url('/to'), method: 'GET' }])
  })

  it('that returns false makes the redirect the response', async () => {
    const { url, seen } = await redirecting({ '/from': { status: 302, location: '/to' } })
    const response = await createClient().request({ url: url('/from'), redirect: 'follow', onRedirect: async () => false })
    expect([response.status, await response.text(), seen.length]).toEqual([302, 'moved', 1])
  })

  it('that throws rejects the request with its error', async () => {
    const { url } = await redirecting({ '/from': { status: 302, location: '/to' } })
    const error = new Error('not there')
    const onRedirect = (): never => {
      throw error
    }
    await expect(createClient().request({ url: url('/from'), redirect: 'follow', onRedirect })).rejects.toBe(error)
  })
})

it('interceptors see each hop', async () => {
  const { url } = await redirecting({ '/from': { status: 302, location: '/to' } })
  const hops: string[] = []
  const client = createClient({
    interceptors: [
      (request, next) => {
        hops.push(new URL(request.url).pathname)
        return next(request)
      },
    ],
  })
  await (await client.request({ url: url('/from'), redirect: 'follow' })).text()
  expect(hops).toEqual(['/from', '/to'])
})

it('a handle follows redirects of its own origin only', async () => {
  const other = await elsewhere()
  const { origin, url } = await redirecting({
    '/own': { status: 302, location: '/to' },
    '/other': { status: 302, location: `${other.url('b.test.example')}/` },
  })
  const handle = await createClient().connect(origin.url('a.test.example'))
  expect((await handle.request({ url: '/own', redirect: 'follow' })).url).toBe(url('/to'))
  await expect(handle.request({ url: '/other', redirect: 'follow' })).rejects.toMatchObject({ code: 'ERR_REDIRECT_TARGET' })
  expect(other.connections).toBe(0)
  handle.destroy()
})

it('an abort between two hops rejects with its reason', async () => {
  const { url, seen } = await redirecting({ '/from': { status: 302, location: '/to' } })
  const controller = new AbortController()
  const reason = new Error('left')
  const request = createClient().request({
    url: url('/from'),
    redirect: 'follow',
    signal: controller.signal,
    onRedirect: () => controller.abort(reason),
  })
  await expect(request).rejects.toBe(reason)
  expect(seen).toHaveLength(1)
})

it.each([
  { redirect: 'ask' },
  { redirect: true },
  { redirect: 'follow', maxRedirects: -1 },
  { redirect: 'follow', onRedirect: 5 },
])('an invalid option is refused: %j', async (options) => {
  await expect(createClient().request({ url: 'https://a.test.example/', ...options } as never)).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTION',
  })
})
