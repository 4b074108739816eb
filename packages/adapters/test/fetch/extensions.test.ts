/** Options beyond the standard are in `init.unshard`: members of other libraries have no effect. */

import { UsageError } from '@unshard/core'
import { createFetch, fetch as namedFetch } from '../../src/index.js'
import { collectWarnings, failure, fetchFixtures, type Inspected, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()

describe.each(PROTOCOLS)('over %s', (protocol) => {
  it.each([
    { retry: 0 },
    { retry: 'never', timeout: 1 },
    { client: {} },
    { timeouts: { headers: -1 } },
    { timeouts: 5 },
    { isolation: 7, affinity: {}, replay: 'x' },
    { baseURL: 'https://other.example/', baseUrl: 'https://other.example/' },
    { maxDecodedBytes: -1, httpPriority: 'x' },
    { onInformational: 1, onUploadProgress: 2, onDownloadProgress: 3 },
    { lunch: true },
  ])('a member of init that belongs to another library is ignored: %o', async (init) => {
    const { fetch, url } = await fixture(protocol)
    expect((await fetch(url('/status/200'), init as never)).status).toBe(200)
  })

  it('retry in init has no effect, retry in init.unshard has', async () => {
    const { fetch, url, origin } = await fixture(protocol, {
      handler: (_request, response) => response.writeHead(503, { 'retry-after': '0' }).end(),
    })
    await fetch(url(), { retry: { attempts: 3, baseDelayMs: 1 } } as never)
    expect(origin.requests).toHaveLength(1)
    await fetch(url(), { unshard: { retry: { attempts: 3, baseDelayMs: 1 } } })
    expect(origin.requests).toHaveLength(4)
  })

  it('defaults of with() apply to each call, and a call overrides them member by member', async () => {
    const { fetch, url, origin } = await fixture(protocol, {
      handler: (_request, response) => response.writeHead(503, { 'retry-after': '0' }).end(),
    })
    const patient = fetch.with({ retry: { attempts: 3, baseDelayMs: 1 }, timeouts: { headers: 10_000 } })
    await patient(url())
    expect(origin.requests).toHaveLength(3)
    await patient(url(), { unshard: { retry: false } })
    expect(origin.requests).toHaveLength(4)
    await patient(url(), { unshard: { timeouts: { body: 10_000 } } })
    expect(origin.requests).toHaveLength(7)
    await fetch(url())
    expect(origin.requests).toHaveLength(8)
  })

  it('with() merges defaults over the current ones: headers by name, a relative baseUrl against the previous one', async () => {
    const { fetch, url } = await fixture(protocol)
    const first = fetch.with({ baseUrl: url('/api/'), headers: { 'X-A': '1', accept: 'a/b' } })
    const second = first.with({ baseUrl: '../', headers: { accept: 'c/d' } })
    const { headers } = (await (await second('inspect')).json()) as Inspected
    expect(headers).toMatchObject({ 'x-a': '1', accept: 'c/d' })
  })

  it('the response has the times of its request and the number of bytes received', async () => {
    const { fetch, url } = await fixture(protocol, { handler: (_request, response) => void response.end('content') })
    const response = await fetch(url())
    expect(await response.text()).toBe('content')
    const { queuedMs, dnsMs, connectMs, tlsMs, sentMs, headersMs, endMs } = response.timings!
    expect(response.receivedBytes).toBe(7)
    expect(Math.abs(queuedMs + dnsMs + connectMs + tlsMs - sentMs)).toBeLessThan(1)
    expect([connectMs > 0, tlsMs > 0, headersMs >= sentMs, endMs! >= headersMs]).toEqual([true, true, true, true])
    const second = await fetch(url())
    await second.text()
    expect(second.timings).toMatchObject({ dnsMs: 0, connectMs: 0, tlsMs: 0 })
  })

  it('init.unshard.client sends the request, and isolation gives it a separate connection', async () => {
    const { fetch, url, origin } = await fixture(protocol)
    await (await fetch(url())).text()
    await (await fetch(url(), { unshard: { isolation: 'a' } })).text()
    expect(origin.connections).toBe(2)
    const seen: unknown[] = []
    const client = {
      request: (options: unknown) => {
        seen.push(options)
        return Promise.reject(new UsageError('ERR_DECODE', 'x'))
      },
    }
    await expect(fetch(url(), { unshard: { client: client as never, affinity: 'k', strategy: 'hash' } })).rejects.toMatchObject(
      failure('ERR_DECODE'),
    )
    expect(seen).toMatchObject([{ affinity: 'k', strategy: 'hash' }])
  })

  it('only own members count: one on Object.prototype has no effect', async () => {
    const { fetch, url, origin } = await fixture(protocol)
    const inherited = Object.create({ unshard: { isolation: 'a', lunch: 1 } }) as object
    await (await fetch(url())).text()
    expect((await fetch(url(), inherited)).status).toBe(200)
    expect(origin.connections).toBe(1)
  })
})

it.each<[object, RegExp]>([
  [{ timeout: 1 }, /unknown option "unshard\.timeout": did you mean "unshard\.timeouts"\?/],
  [{ retries: 1 }, /did you mean "unshard\.retry"\?/],
  [{ IsolatioN: 1 }, /did you mean "unshard\.isolation"\?/],
  [{ onUploadprogres: 1 }, /did you mean "unshard\.onUploadProgress"\?/],
  [{ lunch: 1 }, /unknown option "unshard\.lunch"$/],
  [{ ['x'.repeat(100_000)]: 1 }, /^.{0,120}$/],
])('an unknown member of init.unshard is refused with a suggestion: %#', async (unshard, message) => {
  const { fetch } = await fixture('h2')
  await expect(fetch('https://a.test.example/', { unshard } as never)).rejects.toMatchObject(
    failure('ERR_UNKNOWN_OPTION', message),
  )
})

it.each([null, 5, 'x'])('init.unshard must be an object, not %p', async (unshard) => {
  const { fetch } = await fixture('h2')
  await expect(fetch('https://a.test.example/', { unshard } as never)).rejects.toMatchObject(
    failure('ERR_INVALID_OPTION', 'unshard'),
  )
})

it('unknown and invalid defaults are refused at once by createFetch and with()', async () => {
  const { fetch } = await fixture('h2')
  const client = { request: () => undefined } as never
  for (const make of [
    (more: object) => createFetch(client, more),
    (more: object) => fetch.with(more),
    (more: object) => namedFetch.with(more),
  ]) {
    expect(() => make({ baseURL: 'https://a.example' })).toThrow('did you mean "baseUrl"?')
    expect(() => make({ timeout: 5 })).toThrow('did you mean "timeouts"?')
    expect(() => make({ unshard: {} })).toThrow(UsageError)
    expect(() => make({ defaultHeadersFor: 'all' })).toThrow('defaultHeadersFor')
    expect(() => make({ maxDecodedBytes: Number.NaN })).toThrow('maxDecodedBytes')
    expect(() => make({ client: {} })).toThrow('client')
    expect(() => make({ baseUrl: 'nope' })).toThrow(UsageError)
  }
  expect(() => createFetch(undefined as never)).toThrow('createFetch requires a client: pass the result of createClient()')
})

it('agent and proxy, which would change where a request goes, are ignored with one warning each', async () => {
  const { fetch, url } = await fixture('h2')
  const warnings = collectWarnings()
  for (let i = 0; i < 3; i++) {
    const response = await fetch(url('/status/200'), { agent: {}, proxy: 'http://p.example', lunch: 1 } as never)
    expect(response.status).toBe(200)
  }
  await fetch(url('/status/200'), { agent: undefined, proxy: null } as never)
  const code = 'UNSHARD_IGNORED_MEMBER'
  expect(warnings.end()).toEqual([
    { code, message: expect.stringContaining('init.agent: use the options of createClient()') },
    { code, message: expect.stringContaining('init.proxy: use createClient({ proxy })') },
  ])
})
