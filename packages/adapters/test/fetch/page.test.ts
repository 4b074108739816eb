import { createHash } from 'node:crypto'
import { failure, fetchFixtures, type Inspected, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()
const inspected = async (response: Promise<Response>): Promise<Inspected> => (await (await response).json()) as Inspected

describe.each(PROTOCOLS)('referrer and origin of requests over %s', (protocol) => {
  it('without a page neither is sent, except by `referrer`', async () => {
    const { fetch, url } = await fixture(protocol)
    const silent = await inspected(fetch(url('/inspect'), { method: 'POST', body: 'x' }))
    expect(silent.headers).not.toHaveProperty('referer')
    expect(silent.headers).not.toHaveProperty('origin')
    const named = await inspected(
      fetch(url('/inspect'), { referrer: 'https://user:secret@page.example/path?q#fragment', referrerPolicy: 'unsafe-url' }),
    )
    expect(named.headers['referer']).toBe('https://page.example/path?q')
    const own = await inspected(fetch(url('/inspect'), { referrer: 'https://page.example/', headers: { Referer: 'mine' } }))
    expect(own.headers['referer']).toBe('mine')
  })

  // Referrer Policy §8.3, for a cross-origin target, a same-origin target, and a target without
  // TLS.
  it.each([
    ['', 'origin', 'full', undefined],
    ['no-referrer', undefined, undefined, undefined],
    ['origin', 'origin', 'origin', 'origin'],
    ['unsafe-url', 'full', 'full', 'full'],
    ['strict-origin', 'origin', 'origin', undefined],
    ['same-origin', undefined, 'full', undefined],
    ['origin-when-cross-origin', 'origin', 'full', 'origin'],
    ['no-referrer-when-downgrade', 'full', 'full', undefined],
    ['strict-origin-when-cross-origin', 'origin', 'full', undefined],
  ] as const)('policy %s', async (referrerPolicy, cross, same, downgrade) => {
    const { refererFor } = await import('../../src/fetch/referrer.js')
    const page = 'https://a.test.example/page?q'
    const what = { origin: 'https://a.test.example/', full: page, undefined: undefined }
    expect(refererFor(page, referrerPolicy, 'https://b.test.example/')).toBe(what[`${cross}`])
    expect(refererFor(page, referrerPolicy, 'https://a.test.example/x')).toBe(what[`${same}`])
    expect(refererFor(page, referrerPolicy, 'http://b.test.example/')).toBe(what[`${downgrade}`])
    const { fetch, url } = await fixture(protocol, { defaults: { page } })
    const seen = await inspected(fetch(url('/inspect'), { referrerPolicy }))
    expect(seen.headers['referer']).toBe(what[`${cross}`])
  })

  it('a page sends `origin` with every method except GET and HEAD (§3.2), and a redirect may change the policy', async () => {
    const { fetch, url } = await fixture(protocol, {
      defaults: { page: 'https://page.example/path' },
      handler: (request, response) => {
        if (request.url === '/') response.writeHead(307, { location: '/there', 'referrer-policy': 'lunch, no-referrer' }).end()
        else response.end(JSON.stringify({ headers: request.headers }))
      },
    })
    const { headers } = await inspected(fetch(url(), { method: 'POST', body: 'x' }))
    expect(headers).toMatchObject({ origin: 'https://page.example' })
    expect(headers).not.toHaveProperty('referer')
    // A cross-origin GET under CORS sends its origin as well.
    expect((await inspected(fetch(url('/there')))).headers).toMatchObject({ origin: 'https://page.example' })
    expect((await inspected(fetch(url('/there'), { mode: 'no-cors' }))).headers).not.toHaveProperty('origin')
    const opaque = await fetch(url(), { redirect: 'manual' })
    expect(opaque).toMatchObject({ type: 'opaqueredirect', status: 0, statusText: '', body: null, url: url(), redirected: false })
    expect([...opaque.headers]).toEqual([])
  })

  it('`origin` on redirects of a page (§3.2, "append a request Origin header", "serialize a request origin")', async () => {
    const { fetch, url } = await fixture(protocol)
    const go = (target: string, host = 'a'): string => url(`/redirect/302?to=${encodeURIComponent(target)}`, host)
    const own = fetch.with({ page: url('/page') })
    const origin = async (asked: ReturnType<typeof own>): Promise<string | undefined> =>
      (((await (await asked).json()) as Inspected).headers as Record<string, string>)['origin']
    const page = new URL(url()).origin
    // Same origin: a GET does not send it, a POST does.
    expect(await origin(own(url('/inspect')))).toBeUndefined()
    expect(await origin(own(go('/inspect')))).toBeUndefined()
    expect(await origin(own(url('/inspect'), { method: 'POST' }))).toBe(page)
    // To another origin, and within it.
    expect(await origin(own(url('/inspect', 'b')))).toBe(page)
    expect(await origin(own(go(url('/inspect', 'b'))))).toBe(page)
    expect(await origin(own(go('/inspect', 'b')))).toBe(page)
    // From a foreign origin to another one, even back to the first: the original origin is hidden.
    expect(await origin(own(go(url('/inspect'), 'b')))).toBe('null')
    expect(await origin(own(go(go(url('/inspect'), 'b'))))).toBe('null')
    expect(await origin(own(go(url('/inspect'), 'b'), { method: 'POST' }))).toBe('null')
    expect(await origin(own(go(url('/inspect', 'b')), { headers: { origin: 'https://own.example' } }))).toBe(
      'https://own.example',
    )
    expect(await origin(fetch(url('/inspect', 'b')))).toBeUndefined()
  })

  describe('integrity (SRI §3.3)', () => {
    const hash = (algorithm: string, text = 'content'): string =>
      `${algorithm}-${createHash(algorithm).update(text).digest('base64')}`
    it.each([
      [hash('sha256'), true],
      [hash('sha512'), true],
      [`${hash('sha384')}?option`, true],
      [hash('sha256').replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''), true],
      [hash('sha256', 'other'), false],
      // "the strongest": a weaker hash is ignored, whether or not it matches.
      [`${hash('sha256')} ${hash('sha512', 'other')}`, false],
      [`${hash('sha256', 'other')} ${hash('sha512')}`, true],
      [`${hash('sha512', 'other')} ${hash('sha512')}`, true],
      ['md5-abc', true],
      // Malformed hashes of a known algorithm match nothing.
      [`"${hash('sha256')}"`, false],
      [`'${hash('sha384')}'`, false],
      [`${hash('sha256')}"`, false],
      [`${hash('sha256')},${hash('sha256')}`, false],
      [`${hash('sha256')}, ${hash('sha256', 'other')}`, false],
      [`${hash('sha256')}==`, false],
      [`${hash('sha256').replace(/=+$/, '')}===`, false],
      ['sha384-', false],
      ['sha384-=', false],
      ['sha384', false],
      [`sha256- ${hash('sha256').slice(7)}`, false],
      [`sha256 -${hash('sha256').slice(7)}`, false],
      [`sha256=${hash('sha256').slice(7)}`, false],
      [`${hash('sha256')} sha512-`, false],
      [`SHA256-${hash('sha256').slice(7)}`, true],
      [`\t\n ${hash('sha256')}\r\f `, true],
      [`sha512- ${hash('sha512')}`, true],
      ['', true],
    ])('%s', async (integrity, good) => {
      const { fetch, url } = await fixture(protocol, { handler: (_request, response) => response.end('content') })
      const fetching = fetch(url(), { integrity })
      if (good) expect(await (await fetching).clone().text()).toBe('content')
      else await expect(fetching).rejects.toMatchObject(failure('ERR_INTEGRITY'))
    })
  })
})
