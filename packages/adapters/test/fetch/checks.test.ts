import type { FetchInit } from '../../src/index.js'
import { failure, fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()

describe.each(PROTOCOLS)('calls that fetch refuses before anything is sent, over %s', (protocol) => {
  it.each<[string, FetchInit]>([
    ['mode', { mode: 'navigate' }],
    ['credentials', { credentials: 'maybe' as never }],
    ['cache', { cache: 'maybe' as never }],
    ['only-if-cached', { cache: 'only-if-cached' }],
    ['redirect', { redirect: 'maybe' as never }],
    ['referrerPolicy', { referrerPolicy: 'maybe' as never }],
    ['priority', { priority: 'urgent' as never }],
    ['priority', { unshard: { httpPriority: { urgency: 9 } } }],
    ['duplex', { duplex: 'full' as never }],
    ['window', { window: {} as never }],
    ['signal', { signal: {} as never }],
    ['no-cors', { mode: 'no-cors', method: 'PUT' }],
    ['invalid URL', { referrer: 'http:// ' }],
    ['maxDecodedBytes', { unshard: { maxDecodedBytes: -1 } }],
    ['onInformational', { unshard: { onInformational: 1 as never } }],
  ])('%s: a TypeError that names it, without reading the signal', async (name, init) => {
    const { fetch, url, origin } = await fixture(protocol)
    const signal = init.signal === undefined ? AbortSignal.abort() : init.signal
    const failing = fetch(url(), name === 'priority' ? init : { ...init, signal })
    await expect(failing).rejects.toMatchObject({
      name: 'TypeError',
      message: 'fetch failed',
      cause: { code: expect.stringMatching(/^ERR_/), message: expect.stringContaining(name) },
    })
    expect(origin.connections).toBe(0)
  })

  it.each(['default', 'no-store', 'reload', 'no-cache', 'force-cache'] as const)(
    'cache %s: there is no cache here, but caches on the way are instructed (§4.5)',
    async (cache) => {
      const { fetch, url } = await fixture(protocol)
      const { headers } = (await (await fetch(url('/inspect'), { cache, keepalive: true, credentials: 'omit' })).json()) as {
        headers: Record<string, string>
      }
      const asked = {
        'no-cache': 'max-age=0',
        'no-store': 'no-cache',
        reload: 'no-cache',
        default: undefined,
        'force-cache': undefined,
      }
      expect(headers['cache-control']).toBe(asked[cache])
      expect(headers['pragma']).toBe(asked[cache] === 'no-cache' ? 'no-cache' : undefined)
    },
  )

  it('blocked ports (§2.9), and credentials in the URL (§5.4)', async () => {
    const { fetch, url } = await fixture(protocol, {
      handler: (_request, response) => response.writeHead(302, { location: 'http://a.test.example:6667/' }).end(),
    })
    for (const target of ['http://a.test.example:25/', 'https://a.test.example:6000', url()]) {
      await expect(fetch(target)).rejects.toMatchObject(failure('ERR_BLOCKED_PORT', 'is blocked'))
    }
    const refused = fetch(url().replace('//', '//user:secret@'), { signal: AbortSignal.abort() })
    await expect(refused).rejects.toMatchObject(failure('ERR_URL_CREDENTIALS', /^(?!.*secret)/))
  })

  it('relative URLs without a base', async () => {
    const { fetch } = await fixture(protocol)
    await expect(fetch('/inspect')).rejects.toMatchObject(failure('ERR_INVALID_URL', 'relative'))
    const other = await fixture(protocol)
    const { createFetch } = await import('../../src/index.js')
    expect(() => createFetch({} as never, { lunch: 1 } as never)).toThrow('lunch')
    const { fetch: based } = await fixture(protocol, {
      defaults: { baseUrl: other.url('/status/'), headers: { 'X-Default': '1', accept: 'a/b' } },
    })
    expect((await based('201')).status).toBe(201)
    const seen = (await (await based('/inspect', { headers: { accept: 'c/d' } })).json()) as { headers: object }
    expect(seen.headers).toMatchObject({ 'x-default': '1', accept: 'c/d', 'accept-language': '*' })
  })
})
