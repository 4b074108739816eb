import { createFetch, type FetchFunction } from '../../src/index.js'
import { testEnvironment } from '../environment.js'

const { client } = testEnvironment()
const fetch: FetchFunction = (input, init) => createFetch(client())(input, init)

describe('scheme fetch (Fetch standard §4.2) uses no network', () => {
  it.each([
    ['data:,a%20b', 'text/plain;charset=US-ASCII', 'a b'],
    ['data:text/html,<p>#fragment', 'text/html', '<p>'],
    ['data:;charset=utf-8,%C3%B6', 'text/plain;charset=utf-8', 'ö'],
    ['data:text/plain;base64,aGVs%62G8', 'text/plain', 'hello'],
    ['data:text/plain; base64 ,aGVsbG8', 'text/plain', 'hello'],
    ['data:nonsense,100%', 'text/plain;charset=US-ASCII', '100%'],
  ])('%s', async (url, type, text) => {
    const response = await fetch(url)
    expect(response).toMatchObject({ status: 200, statusText: 'OK', connection: undefined })
    expect(response.url).toBe(url.replace(/#.*/, ''))
    const clone = response.clone()
    expect(await response.text()).toBe(text)
    expect(await clone.text()).toBe(text)
    expect(response.headers.get('content-type')).toBe(type)
  })

  it.each([
    ['data:no-comma', 'ERR_DATA_URL'],
    ['data:;base64,a', 'ERR_DATA_URL'],
    ['data:;base64,$$$$', 'ERR_DATA_URL'],
    ['about:blank', 'ERR_UNSUPPORTED_SCHEME'],
    ['about:other', 'ERR_UNSUPPORTED_SCHEME'],
    ['ftp://a.example/', 'ERR_UNSUPPORTED_SCHEME'],
    ['blob:nodedata:none', 'ERR_NO_OBJECT'],
  ])('refuses %s', async (url, code) => {
    await expect(fetch(url)).rejects.toMatchObject({ name: 'TypeError', cause: { name: 'UsageError', code } })
  })

  it('a blob: URL returns the blob, whole or a range of it (§4.2, "blob")', async () => {
    const url = URL.createObjectURL(new Blob(['0123456789'], { type: 'text/x' }))
    try {
      const whole = await fetch(url)
      expect([whole.headers.get('content-type'), whole.headers.get('content-length')]).toEqual(['text/x', '10'])
      expect(await new Response(whole.body).text()).toBe('0123456789')
      for (const [range, text, contentRange] of [
        ['bytes=2-4', '234', 'bytes 2-4/10'],
        ['bytes=8-', '89', 'bytes 8-9/10'],
        ['bytes=-3', '789', 'bytes 7-9/10'],
        ['bytes=5-100', '56789', 'bytes 5-9/10'],
      ] as const) {
        const part = await fetch(url, { headers: { Range: range } })
        expect(part).toMatchObject({ status: 206, statusText: 'Partial Content' })
        expect([part.headers.get('content-range'), await part.text()]).toEqual([contentRange, text])
      }
      for (const range of ['bytes=10-', 'bytes=4-2', 'bytes=-', 'lines=1-2']) {
        await expect(fetch(url, { headers: { range } })).rejects.toMatchObject({ cause: { code: 'ERR_INVALID_RANGE' } })
      }
      await expect(fetch(url, { method: 'POST', body: 'x' })).rejects.toMatchObject({ name: 'TypeError' })
    } finally {
      URL.revokeObjectURL(url)
    }
    await expect(fetch(url)).rejects.toMatchObject({ name: 'TypeError' })
  })
})
