/** Unknown members are refused with a suggestion, wherever options are accepted. */

import { Client, type ClientOptions, UsageError } from '../../src/index.js'
import { invalidOption, shownValue } from '../../src/schema/option-checks.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()
const BASE = 'https://a.test.example'

describe('an unknown member is refused before a byte is sent', () => {
  const requests: [object, string, string | undefined][] = [
    [{ proxy: 'http://127.0.0.1:1' }, 'proxy', 'createClient()'],
    [{ timeout: 5 }, 'timeout', '"timeouts"'],
    [{ retries: 1 }, 'retries', '"retry"'],
    [{ header: {} }, 'header', '"headers"'],
    [{ isolaton: 'x' }, 'isolaton', '"isolation"'],
    [{ dispatcher: {} }, 'dispatcher', 'createClient()'],
    [{ proxy: undefined }, 'proxy', undefined],
  ]
  it.each(requests)('in the options of a request: %j', async (member, name, advice) => {
    const { port } = await server()
    const client = createClient()
    const options = { url: `${BASE}:${port}/`, ...member }
    const refused = {
      name: 'UsageError',
      code: 'ERR_UNKNOWN_OPTION',
      processed: 'no',
      message: expect.stringMatching(`"${name}" of a request.*${advice === undefined ? '' : advice.replace(/[()]/g, '\\$&')}`),
    }
    await expect(client.request(options)).rejects.toMatchObject(refused)
    expect(await client.requestAll([options])).toMatchObject([{ status: 'rejected', reason: refused }])
    const handle = await client.connect(`${BASE}:${port}`)
    await expect(handle.request({ ...options, url: '/' })).rejects.toMatchObject(refused)
    await handle.close()
  })

  it.each<[string, (client: Client) => unknown, string, string]>([
    [
      'close({ grace })',
      (client) => client.close({ grace: 1 } as never),
      'ERR_UNKNOWN_OPTION',
      '"grace" of close(): did you mean "graceMs"?',
    ],
    ['close(1)', (client) => client.close(1 as never), 'ERR_INVALID_OPTION', 'close() takes an object'],
    ['close(null)', (client) => client.close(null as never), 'ERR_INVALID_OPTION', 'close() takes an object'],
    ['close({ graceMs: -1 })', (client) => client.close({ graceMs: -1 }), 'ERR_INVALID_OPTION', 'graceMs'],
    [
      'connect({ reOpen })',
      (client) => client.connect(BASE, { reOpen: true } as never),
      'ERR_UNKNOWN_OPTION',
      '"reOpen" of connect(): did you mean "reopen"?',
    ],
    ['connect({ reopen: 1 })', (client) => client.connect(BASE, { reopen: 1 } as never), 'ERR_INVALID_OPTION', 'reopen'],
    ['connect({ isolation: 1 })', (client) => client.connect(BASE, { isolation: 1 } as never), 'ERR_INVALID_OPTION', 'isolation'],
    ['warm({ isolate })', (client) => client.warm([], { isolate: 'x' } as never), 'ERR_UNKNOWN_OPTION', '"isolate" of warm()'],
    ['warm(text)', (client) => client.warm(BASE as never), 'ERR_INVALID_OPTION', 'warm() takes a list of origins'],
    ['warm([object])', (client) => client.warm([{ url: BASE } as never]), 'ERR_UNKNOWN_OPTION', 'url'],
    [
      'requestAll(object)',
      (client) => client.requestAll({ url: BASE } as never),
      'ERR_INVALID_OPTION',
      'requestAll() takes a list',
    ],
    [
      'explain({ isolaton })',
      (client) => client.explain(BASE, { isolaton: 'x' } as never),
      'ERR_UNKNOWN_OPTION',
      'did you mean "isolation"?',
    ],
    ['ping(text)', (client) => client.ping(BASE, 'x' as never), 'ERR_INVALID_OPTION', 'timeoutMs'],
    ['ping({ timeout })', (client) => client.ping(BASE, { timeout: 1 } as never), 'ERR_UNKNOWN_OPTION', 'timeoutMs'],
    [
      'pools.open({ maxConnection })',
      (client) => client.pools.open('x', { maxConnection: 1 } as never),
      'ERR_UNKNOWN_OPTION',
      '"pools.x.maxConnection"',
    ],
    [
      'pools.resize({ most })',
      (client) => client.pools.resize(BASE, 1, { most: 1 } as never),
      'ERR_UNKNOWN_OPTION',
      '"most" of pools.resize()',
    ],
    ['pools.resize(text)', (client) => client.pools.resize(BASE, 'x' as never), 'ERR_INVALID_OPTION', 'maxConnectionsPerOrigin'],
    [
      'pools.close({ isolation })',
      (client) => client.pools.close(BASE, { isolation: 'x' } as never),
      'ERR_INVALID_OPTION',
      'isolation',
    ],
    [
      'pools.find({ isolation })',
      (client) => client.pools.find(BASE, { isolation: 'x' } as never),
      'ERR_INVALID_OPTION',
      'isolation',
    ],
  ])('in the arguments of a method: %s', async (_title, call, code, message) => {
    const client = createClient()
    await expect((async () => call(client))()).rejects.toMatchObject({
      ...{ name: 'UsageError', code, message: expect.stringContaining(message) },
    })
    client.destroy()
  })

  it('in the arguments of a handle', async () => {
    const { port } = await server()
    const handle = await createClient().connect(`${BASE}:${port}`)
    await expect(handle.ping('x' as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
    await expect(handle.request(null as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
    await expect(handle.request({} as never)).rejects.toMatchObject({ code: 'ERR_INVALID_URL' })
  })
})

describe('options are read from own members only', () => {
  it.each([false, true])(
    'members of Object.prototype (enumerable: %s) neither affect requests nor are refused',
    async (enumerable) => {
      const { port, requests } = await server()
      const prototype = Object.prototype as Record<string, unknown>
      const put = {
        method: 'DELETE',
        body: 'x',
        timeouts: { total: 1 },
        isolation: 'x',
        retry: { attempts: 'x' },
        proxy: 'http://127.0.0.1:1',
      }
      const inherited = {
        ...put,
        headers: { 'x-put': '1' },
        graceMs: 'x',
        reopen: 'x',
        tls: 5,
        lookup: 5,
        replay: 'x',
        start: -1,
      }
      try {
        for (const [name, value] of Object.entries(inherited))
          Object.defineProperty(prototype, name, { value, enumerable, configurable: true, writable: true })
        const client = createClient()
        expect((await client.request({ url: `${BASE}:${port}/` })).status).toBe(200)
        const handle = await client.connect(`${BASE}:${port}`)
        expect((await handle.request({ url: '/' })).status).toBe(200)
        expect((await client.explain(`${BASE}:${port}/`)).action).toBe('use')
        await handle.close()
        await client.close()
      } finally {
        for (const name of Object.keys(inherited)) delete prototype[name]
      }
      expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
    },
  )

  it('the prototype of a user-supplied object is not read', async () => {
    const { port } = await server()
    const url = `${BASE}:${port}/`
    await expect(createClient().request(Object.create({ url }))).rejects.toMatchObject({ code: 'ERR_INVALID_URL' })
    const own = Object.assign(Object.create({ method: 'DELETE', proxy: 'x' }), { url })
    expect((await createClient().request(own)).status).toBe(200)
  })
})

describe('an error about an option shows little of its value', () => {
  const circular: unknown[] = []
  circular.push(circular)
  const self: Record<string, unknown> = { secret: 'hunter2' }
  self['self'] = self
  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new RangeError('read')
      },
    },
  )
  it.each<[unknown, string]>([
    ['spdy/3', '"spdy/3"'],
    ['a\u009b31m\u2028', '"a\\u009b31m\\u2028"'],
    ['x'.repeat(61), 'a string of 61 characters'],
    ['https://user:pass@a.example', 'a string of 27 characters'],
    ['-----BEGIN KEY-----', 'a string of 19 characters'],
    [Buffer.alloc(2_000), '2000 bytes'],
    [new Uint16Array(3), '6 bytes'],
    [5n, '5n'],
    [10n ** 500n, 'a bigint'],
    [[1n, 'a', undefined], '[1n, "a", undefined]'],
    [[1, 2, 3, 4], '[1, 2, 3, … 4 in all]'],
    [circular, '[a list of 1]'],
    [self, 'an object'],
    [hostile, 'an object'],
    [Symbol('x'), 'a symbol'],
    [() => 5, 'a function'],
    [null, 'null'],
    [Number.NaN, 'NaN'],
    [Object.create(null), 'an object'],
  ])('for value %#', (value, shown) => {
    expect(shownValue(value)).toBe(shown)
    expect(invalidOption('x', 'y', value).message).toBe(`option x takes y, not ${shown}`)
  })

  it('and nothing of keys and passwords', () => {
    expect(invalidOption('tls', 'an object', 'hunter2').message).toBe('option tls takes an object, not a string of 7 characters')
    expect(invalidOption('tls.pins', 'a list', 'abc').message).toBe('option tls.pins takes a list, not "abc"')
    const ticket = Buffer.from('session'.repeat(100))
    for (const given of [{ tls: ticket }, { tls: 'hunter2' }, { timeouts: ticket }, { pools: { x: ticket } }]) {
      const error = thrown(given as never)
      expect(error).toBeInstanceOf(UsageError)
      expect(error.message.length).toBeLessThan(200)
      expect(error.message).not.toMatch(/hunter2|115,101/)
    }
  })

  it.each<[string, unknown]>([
    ['timeouts', self],
    ['replay', 1n],
    ['protocols', circular],
    ['strategy', self],
    ['localAddress', 5n],
    ['sockets', 5n],
    ['maxConnectionsPerOrigin', 5n],
    ['keepalive', 5n],
    ['tcpKeepAlive', 5n],
    ['retry', 5n],
    ['lookup', 5],
    ['lookup', hostile],
    ['connections', {}],
    ['reuse', {}],
    ['clock', {}],
    ['pools', 5],
    ['pools', []],
  ])('option %s with a value that JSON cannot represent, or that is called only later: a typed error', (name, value) => {
    expect(thrown({ [name]: value })).toMatchObject({ name: 'UsageError', message: expect.stringContaining(name) })
  })

  it.each<[string, unknown]>([
    ['method', 5n],
    ['method', self],
    ['url', 5n],
    ['url', Object.create(null)],
    ['headers', [[5n, 'x']]],
    ['headers', [[self, 'x']]],
    ['priority', self],
  ])('a request with an invalid %s: a typed error', async (name, value) => {
    await expect(createClient().request({ url: BASE, [name]: value } as never)).rejects.toMatchObject({ name: 'UsageError' })
  })

  function thrown(options: ClientOptions): Error {
    try {
      new Client(options).destroy()
    } catch (error) {
      return error as Error
    }
    throw new Error('nothing was thrown')
  }
})

it.each([20_000_000, 2_000_000])(
  'a URL of %i characters is refused with a UsageError, as text and as an object',
  async (length) => {
    const url = `${BASE}/${'x'.repeat(length)}`
    const refused = { name: 'UsageError', code: 'ERR_INVALID_URL', message: expect.stringMatching(/^.{1,120}$/) }
    const client = createClient()
    await expect(client.request({ url })).rejects.toMatchObject(refused)
    await expect(client.request({ url: new URL(url) })).rejects.toMatchObject(refused)
    await expect(client.explain(url)).rejects.toMatchObject(refused)
    await expect(client.warm([url])).rejects.toMatchObject(refused)
    await expect(client.connect(url)).rejects.toMatchObject(refused)
  },
)

it('an error about a URL does not repeat its password', async () => {
  const failing = createClient().request({ url: 'https://user:hunter2@a.example:99999/' })
  await expect(failing).rejects.toMatchObject({ code: 'ERR_INVALID_URL', message: expect.not.stringContaining('hunter2') })
})
