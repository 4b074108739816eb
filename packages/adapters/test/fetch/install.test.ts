import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createFetch, type Fetch, install, uninstall } from '../../src/index.js'
import { fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()

describe('install()', () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'fetch')
  afterEach(() => void uninstall())

  it.each(PROTOCOLS)('replaces the global fetch over %s, and restores exactly the previous property', async (protocol) => {
    const { fetch, url } = await fixture(protocol)
    install(fetch)
    install(fetch)
    // A different function: only calls of the global forward requests to an undici dispatcher.
    expect(globalThis.fetch).not.toBe(fetch)
    const response = await globalThis.fetch(new Request(url('/echo'), { method: 'POST', body: 'x' }))
    expect(await response.text()).toBe('x')
    expect(uninstall()).toBe(true)
    expect(Object.getOwnPropertyDescriptor(globalThis, 'fetch')).toEqual(before)
    expect(uninstall()).toBe(false)
  })

  it('the client of a fetch, of one derived from it, and of the installed one is the same', async () => {
    const { fetch, url } = await fixture('h2')
    await (await fetch(url('/echo'), { method: 'POST', body: 'x' })).text()
    expect(fetch.client.stats().totals.requests).toBe(1)
    install(fetch)
    expect([fetch.with({ retry: true }).client, (globalThis.fetch as unknown as Fetch).client]).toEqual([
      fetch.client,
      fetch.client,
    ])
    expect(Object.keys(fetch)).toEqual(['with'])
  })

  it('does not touch a fetch that replaced it', () => {
    install(createFetch({ request: () => undefined } as never))
    const mine = globalThis.fetch
    const theirs = (): never => {
      throw new Error('theirs')
    }
    globalThis.fetch = theirs as never
    expect(uninstall()).toBe(false)
    expect(globalThis.fetch).toBe(theirs)
    globalThis.fetch = mine
    expect(uninstall()).toBe(true)
  })
})

describe('loaded modules', () => {
  it('a request without Response, Headers or Request does not load Node’s own fetch', () => {
    const program = `
      import { fetch } from ${JSON.stringify(fileURLToPath(new URL('../../dist/index.js', import.meta.url)))}
      import { createServer } from 'node:net'
      const own = () => process.moduleLoadList.filter((name) => name.includes('undici')).length
      // Not node:http, which loads it on Node 24.
      const answer = 'HTTP/1.1 200 OK\\r\\ncontent-length: 4\\r\\nx-a: b\\r\\n\\r\\ntext'
      const server = createServer((socket) => socket.once('data', () => socket.write(answer))).listen(0)
      await new Promise((resolve) => server.once('listening', resolve))
      const response = await fetch('http://127.0.0.1:' + server.address().port, { method: 'POST', body: 'text', headers: { a: 'b' } })
      const seen = [await response.text(), response.headers.get('x-a'), own(), response instanceof Response]
      console.log(JSON.stringify(seen))
      process.exit()`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 20_000 })
    expect(JSON.parse(output)).toEqual(['text', 'b', 0, true])
  })
})
