/** undici dispatchers passed to a call or set globally: none of them is silently bypassed. */

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { ProtocolName } from '@unshard/core'
import type { OriginServer } from '@unshard/testkit'
import type * as Undici from 'undici'
import { createFetch, Dispatcher, type Fetch, install, fetch as namedFetch, uninstall } from '../../src/index.js'
import { testEnvironment } from '../environment.js'
import { collectWarnings, failure, PROTOCOLS } from './fixtures.js'

const { client, server } = testEnvironment()
const { MockAgent, setGlobalDispatcher, getGlobalDispatcher } = createRequire(fileURLToPath(import.meta.url))(
  'undici6',
) as typeof Undici

/** A foreign dispatcher that responds by itself. */
function mock(): { agent: Undici.MockAgent; calls: () => number } {
  const agent = new MockAgent()
  agent.disableNetConnect()
  let calls = 0
  agent
    .get('https://api.test.example')
    .intercept({ path: '/user' })
    .reply(200, () => {
      calls++
      return 'mocked'
    })
    .persist()
  return { agent, calls: () => calls }
}

const URL_OF_MOCK = 'https://api.test.example/user'
interface Started {
  readonly fetch: Fetch
  readonly origin: OriginServer
  url(path?: string): string
}

async function start(protocol: ProtocolName = 'h2'): Promise<Started> {
  const origin = await server({ protocols: [protocol] })
  return { fetch: createFetch(client()), origin, url: (path = '/') => `https://a.test.example:${origin.port}${path}` }
}

const refused = failure('ERR_OTHER_DISPATCHER', 'dispatcher')
type Given = { dispatcher: never }
const given = (dispatcher: unknown): Given => ({ dispatcher: dispatcher as never })

afterEach(() => void uninstall())

describe.each(PROTOCOLS)('over %s', (protocol) => {
  it('a Dispatcher of ours is used: the request goes through its client', async () => {
    const { fetch, url } = await start(protocol)
    const own = client()
    const dispatcher = new Dispatcher({ client: own })
    install(fetch)
    for (const call of [fetch, globalThis.fetch as never as typeof fetch]) {
      expect((await call(url('/status/200'), given(dispatcher) as never)).status).toBe(200)
      const request = new Request(url('/status/200'), given(dispatcher) as never)
      expect((await call(request)).status).toBe(200)
    }
    expect(own.stats().totals.requests).toBeGreaterThanOrEqual(2)
  })

  it('a foreign dispatcher is refused by an imported fetch, and nothing is sent', async () => {
    const { fetch, url, origin } = await start(protocol)
    const { agent } = mock()
    for (const call of [fetch, namedFetch, fetch.with({})]) {
      await expect(call(url(), given(agent) as never)).rejects.toMatchObject(refused)
      await expect(call(url(), given({}) as never)).rejects.toMatchObject(refused)
    }
    expect(origin.connections).toBe(0)
    expect((await fetch(url('/status/200'), given(undefined) as never)).status).toBe(200)
    expect((await fetch(url('/status/200'), given(null) as never)).status).toBe(200)
  })
})

it('a dispatcher stored in a Request counts like one passed to the call', async () => {
  const { fetch } = await start()
  const { agent, calls } = mock()
  const request = (): Request => new Request(URL_OF_MOCK, given(agent) as never)
  // The newest undici hides it completely.
  if (!Object.getOwnPropertySymbols(request()).some(({ description }) => description === 'dispatcher')) return
  await expect(fetch(request())).rejects.toMatchObject(refused)
  install(fetch)
  const warnings = collectWarnings()
  expect(await (await globalThis.fetch(request())).text()).toBe('mocked')
  warnings.end()
  expect(calls()).toBe(1)
})

it("a foreign dispatcher is used by the platform's own fetch after install(), with one warning", async () => {
  const { agent, calls } = mock()
  install(createFetch(client()))
  const warnings = collectWarnings()
  for (let i = 0; i < 3; i++) expect(await (await globalThis.fetch(URL_OF_MOCK, given(agent))).text()).toBe('mocked')
  expect(calls()).toBe(3)
  // Another test of this file may already have caused the process's only warning.
  expect(warnings.end().length).toBeLessThanOrEqual(1)
  const derived = (globalThis.fetch as unknown as ReturnType<typeof createFetch>).with({ headers: { 'x-a': '1' } })
  expect(await (await derived(URL_OF_MOCK, given(agent) as never)).text()).toBe('mocked')
})

it.each(['undici6', 'undici'])(
  'tests with setGlobalDispatcher(new MockAgent()) of %s keep working after install(), and stop using the mock with it',
  (undici) => {
    // In its own process: the platform's fetch reads the real global object, not a test's.
    const program = `
      import { createServer } from 'node:http'
      import { install, createFetch } from ${JSON.stringify(fileURLToPath(new URL('../../dist/index.js', import.meta.url)))}
      import { Client } from '@unshard/core'
      import { getGlobalDispatcher, MockAgent, setGlobalDispatcher } from '${undici}'
      const server = createServer((request, response) => response.end('real')).listen(0)
      await new Promise((resolve) => server.once('listening', resolve))
      const url = 'http://127.0.0.1:' + server.address().port + '/'
      const client = new Client()
      install(createFetch(client))
      const text = async (target) => fetch(target).then((response) => response.text(), (error) => error.message)
      const seen = [await text(url)]
      const before = getGlobalDispatcher()
      const agent = new MockAgent()
      agent.disableNetConnect()
      agent.get('https://api.test.example').intercept({ path: '/user' }).reply(200, 'mocked')
      setGlobalDispatcher(agent)
      seen.push(await text('https://api.test.example/user'), await text(url))
      setGlobalDispatcher(before)
      seen.push(await text(url), client.stats().totals.requests)
      console.log(JSON.stringify(seen))
      process.exit()`
    const cwd = fileURLToPath(new URL('../..', import.meta.url))
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 20_000, cwd })
    expect(JSON.parse(run.stdout)).toEqual(['real', 'mocked', 'fetch failed', 'real', 2])
    expect(run.stderr.split('UNSHARD_OTHER_DISPATCHER')).toHaveLength(2)
  },
)

it('install() takes precedence over an earlier global dispatcher, and our own Dispatcher does not count as foreign', async () => {
  const { url } = await start()
  const before = getGlobalDispatcher()
  const { agent, calls } = mock()
  setGlobalDispatcher(agent)
  try {
    install(createFetch(client()))
    expect((await globalThis.fetch(url('/status/200'))).status).toBe(200)
    setGlobalDispatcher(new Dispatcher({ client: client() }) as never)
    expect((await globalThis.fetch(url('/status/200'))).status).toBe(200)
  } finally {
    setGlobalDispatcher(before)
  }
  expect(calls()).toBe(0)
})

it.each<[string, object]>([['a proxy', { proxy: 'http://proxy.test.example:1' }]])(
  'a client with %s is not bypassed for a foreign dispatcher: the call is refused',
  async (_what, options) => {
    const { agent, calls } = mock()
    const before = getGlobalDispatcher()
    install(createFetch(client(options)))
    await expect(globalThis.fetch(URL_OF_MOCK, given(agent))).rejects.toMatchObject(refused)
    setGlobalDispatcher(agent)
    try {
      await expect(globalThis.fetch(URL_OF_MOCK)).rejects.toMatchObject(refused)
      uninstall()
      // The client of the call counts as well.
      install(createFetch(client()))
      setGlobalDispatcher(before)
      const init = { ...given(agent), unshard: { client: client(options) } }
      await expect(globalThis.fetch(URL_OF_MOCK, init as never)).rejects.toMatchObject(refused)
    } finally {
      setGlobalDispatcher(before)
    }
    expect(calls()).toBe(0)
  },
)

it('a call with our Dispatcher goes to the mock if the Dispatcher forwards everything to a mock', async () => {
  const { agent, calls } = mock()
  const dispatcher = new Dispatcher({ client: client(), fallback: agent as never })
  await expect(namedFetch(URL_OF_MOCK, given(dispatcher) as never)).rejects.toMatchObject(refused)
  install(createFetch(client()))
  const warnings = collectWarnings()
  expect(await (await globalThis.fetch(URL_OF_MOCK, given(dispatcher))).text()).toBe('mocked')
  warnings.end()
  expect(calls()).toBe(1)
})
