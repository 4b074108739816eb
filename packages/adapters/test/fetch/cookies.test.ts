/** Cookies with a real jar, that of tough-cookie, hop by hop. */

import { getEventListeners } from 'node:events'
import type { OriginHandler } from '@unshard/testkit'
import { CookieJar } from 'tough-cookie'
import { createFetch } from '../../src/index.js'
import { failure, fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()

/** Sets the cookies of the query, returns the cookies it received, and redirects on request. */
const handler: OriginHandler = (request, response) => {
  const query = new URL(request.url ?? '/', 'https://x').searchParams
  const to = query.get('to')
  response.writeHead(to === null ? 200 : 302, {
    ...(query.has('set') ? { 'set-cookie': query.getAll('set') } : {}),
    ...(to === null ? {} : { location: to }),
  })
  response.end(`${request.headers.cookie ?? 'none'}`)
}

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const start = async (more: object = {}) => {
    const jar = new CookieJar()
    return { jar, ...(await fixture(protocol, { handler, defaults: { cookies: jar, ...more } })) }
  }

  it('stores cookies and sends them in their scope', async () => {
    const { fetch, url } = await start()
    const set = `/?set=${encodeURIComponent('a=1; Path=/')}&set=${encodeURIComponent('b=2; Path=/deep')}&set=${encodeURIComponent('nonsense')}`
    expect(await (await fetch(url(set))).text()).toBe('none')
    expect(await (await fetch(url('/'))).text()).toBe('a=1')
    expect(await (await fetch(url('/deep/x'))).text()).toBe('b=2; a=1')
    expect(await (await fetch(url('/', 'b'))).text()).toBe('none')
  })

  it('a cookie set by a redirect is sent with the next hop, and another origin gets its own cookies', async () => {
    const { fetch, url, jar } = await start()
    await jar.setCookie('theirs=1', url('/', 'b'))
    const next = encodeURIComponent(url('/', 'a'))
    expect(await (await fetch(url(`/?set=mine%3D1&to=${next}`))).text()).toBe('mine=1')
    expect(await (await fetch(url(`/?to=${encodeURIComponent(url('/', 'b'))}`))).text()).toBe('theirs=1')
  })

  it('a domain cookie is sent to the hosts of its domain, and a host cannot set one for another domain', async () => {
    const { fetch, url } = await start()
    await fetch(
      url(`/?set=${encodeURIComponent('all=1; Domain=test.example')}&set=${encodeURIComponent('evil=1; Domain=b.test.example')}`),
    )
    expect(await (await fetch(url('/', 'b'))).text()).toBe('all=1')
  })

  it("credentials 'omit' neither sends nor stores cookies", async () => {
    const { fetch, url, jar } = await start()
    await jar.setCookie('a=1', url())
    expect(await (await fetch(url('/?set=b%3D2'), { credentials: 'omit' })).text()).toBe('none')
    expect(await jar.getCookieString(url())).toBe('a=1')
  })

  it("with a page, 'same-origin' means the origin of the page, and 'include' means all origins", async () => {
    const { fetch, url, jar } = await start({ page: 'https://page.example/' })
    await jar.setCookie('a=1', url())
    expect(await (await fetch(url())).text()).toBe('none')
    expect(await (await fetch(url(), { credentials: 'include' })).text()).toBe('a=1')
  })

  it("a user-supplied `cookie` header is sent instead of the jar's cookies", async () => {
    const { fetch, url, jar } = await start()
    await jar.setCookie('a=1', url())
    expect(await (await fetch(url('/?set=b%3D2'), { headers: { Cookie: 'own=1' } })).text()).toBe('own=1')
    expect(await jar.getCookieString(url())).toBe('a=1; b=2')
  })

  it('an error of the jar fails the request and is its cause', async () => {
    const cause = new Error('disk full')
    const bad = { getCookieString: () => '', setCookie: () => Promise.reject(cause) }
    const { fetch, url } = await start({ cookies: bad })
    await expect(fetch(url('/?set=a%3D1'))).rejects.toMatchObject({
      ...failure('ERR_COOKIE_JAR', 'the cookie jar failed to store cookies'),
      cause: { cause, processed: 'yes' },
    })
    const worse = { getCookieString: () => Promise.reject(cause), setCookie: () => undefined }
    const other = await start({ cookies: worse })
    await expect(other.fetch(url())).rejects.toMatchObject(failure('ERR_COOKIE_JAR', 'the cookie jar failed to return cookies'))
    expect(other.origin.requests).toEqual([])
  })

  it('an abort does not wait for the jar', async () => {
    const reason = new Error('enough')
    const abort = new AbortController()
    const never = new Promise<string>(() => undefined)
    const getCookieString = (): Promise<string> => {
      queueMicrotask(() => abort.abort(reason))
      return never
    }
    const slow = { getCookieString, setCookie: () => undefined }
    const { fetch, url } = await start({ cookies: slow })
    await expect(fetch(url(), { signal: abort.signal })).rejects.toBe(reason)
    const slower = { getCookieString: () => '', setCookie: () => never }
    const other = await start({ cookies: slower })
    const setting = new AbortController()
    const asking = other.fetch(other.url('/?set=a%3D1'), { signal: setting.signal })
    await other.origin.delivered(1)
    setting.abort(reason)
    await expect(asking).rejects.toBe(reason)
  })

  it('an invalid call leaves its body untouched, with or without a jar', async () => {
    const { fetch, url } = await start()
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('mine')) })
    const wrong = fetch(url(), { method: 'POST', body, duplex: 'half', unshard: { timeouts: { headers: -1 } } })
    await expect(wrong).rejects.toMatchObject({ cause: expect.objectContaining({ name: 'UsageError' }) })
    expect(Buffer.from((await body.getReader().read()).value!).toString()).toBe('mine')
  })

  it('a signal shared by many requests has one listener while the jar is pending, and none afterwards', async () => {
    const waiting: (() => void)[] = []
    const slow = {
      getCookieString: () => new Promise<string>((resolve) => void waiting.push(() => resolve('a=1'))),
      setCookie: () => undefined,
    }
    const { fetch, url } = await start({ cookies: slow })
    const { signal } = new AbortController()
    const asking = Array.from({ length: 100 }, () => fetch(url(), { signal }))
    expect(waiting).toHaveLength(100)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    for (const answer of waiting) answer()
    expect(await Promise.all(asking.map(async (response) => (await response).text()))).toEqual(new Array(100).fill('a=1'))
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('retry: a request is retried after a status that means later, by default or per call', async () => {
    let asked = 0
    const flaky: OriginHandler = (_request, response) => {
      response.writeHead(++asked % 2 === 1 ? 503 : 200, { 'retry-after': '0' })
      response.end()
    }
    const retrying = await fixture(protocol, { handler: flaky, defaults: { retry: true } })
    expect((await retrying.fetch(retrying.url())).status).toBe(200)
    expect((await retrying.fetch(retrying.url(), { unshard: { retry: false } })).status).toBe(503)
    asked = 0
    const plain = await fixture(protocol, { handler: flaky })
    expect((await plain.fetch(plain.url(), { unshard: { retry: { attempts: 2 }, replay: 0 } })).status).toBe(200)
    await expect(plain.fetch(plain.url(), { unshard: { retry: { attempts: 0 } } })).rejects.toMatchObject({
      name: 'TypeError',
      cause: expect.objectContaining({ code: 'ERR_INVALID_OPTION' }),
    })
  })

  it('response.multipart() returns the parts', async () => {
    const parts: OriginHandler = (_request, response) => {
      response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' })
      response.end('--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--')
    }
    const { fetch, url } = await fixture(protocol, { handler: parts })
    const response = await fetch(url())
    const seen: string[] = []
    for await (const part of response.multipart()) seen.push(await part.text())
    expect([seen, response.bodyUsed]).toEqual([['one', 'two'], true])
  })
})

it('an invalid jar is refused at once', () => {
  expect(() => createFetch({} as never, { cookies: {} as never })).toThrow(
    'cookies has no method getCookieString: it is not a cookie jar',
  )
})
