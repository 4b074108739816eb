/** Unknown members are refused with a suggestion, wherever options are accepted. */

import { Client, type ClientOptions, UsageError } from '../../src/index.js'
import { invalidOption, shownValue } from '../../src/schema/option-checks.js'
import { clientFixture } from './fixture.js'

const { client, server } = clientFixture()
const BASE = 'https://a.test.example'

describe('an unknown member is refused before anything is sent', () => {
  const requests: [object, string, string | undefined][] = [
    [{ proxy: 'http://127.0.0.1:1' }, 'proxy', 'createClient()'],
    [{ timeout: 5 }, 'timeout', '"timeouts"'],
    [{ retries: 1 }, 'retries', '"retry"'],
    [{ header: {} }, 'header', '"headers"'],
    [{ isolaton: 'x' }, 'isolaton', '"isolation"'],
    [{ dispatcher: {} }, 'dispatcher', 'createClient()'],
    [{ proxy: undefined }, 'proxy', undefined],
  ]
  it.each(requests)('request: %j', async (member, name, advice) => {
    const { port } = await server()
    const one = client()
    const options = { url: `${BASE}:${port}/`, ...member }
    const refused = {
      name: 'UsageError',
      code: 'ERR_UNKNOWN_OPTION',
      processed: 'no',
      message: expect.stringMatching(`"${name}" of a request.*${advice === undefined ? '' : advice.replace(/[()]/g, '\\$&')}`),
    }
    await expect(one.request(options)).rejects.toMatchObject(refused)
    expect(await one.requestAll([options])).toMatchObject([{ status: 'rejected', reason: refused }])
    const handle = await one.connect(`${BASE}:${port}`)
    await expect(handle.request({ ...options, url: '/' })).rejects.toMatchObject(refused)
    await handle.close()
  })

  it.each<[string, (one: Client) => unknown, string, string]>([
    [
      'close({ grace })',
      (one) => one.close({ grace: 1 } as never),
      'ERR_UNKNOWN_OPTION',
      '"grace" of close(): did you mean "graceMs"?',
    ],
    ['close(1)', (one) => one.close(1 as never), 'ERR_INVALID_OPTION', 'close() takes an object'],
    ['close(null)', (one) => one.close(null as never), 'ERR_INVALID_OPTION', 'close() takes an object'],
    ['close({ graceMs: -1 })', (one) => one.close({ graceMs: -1 }), 'ERR_INVALID_OPTION', 'graceMs'],
    [
      'connect({ reOpen })',
      (one) => one.connect(BASE, { reOpen: true } as never),
      'ERR_UNKNOWN_OPTION',
      '"reOpen" of connect(): did you mean "reopen"?',
    ],
    ['connect({ reopen: 1 })', (one) => one.connect(BASE, { reopen: 1 } as never), 'ERR_INVALID_OPTION', 'reopen'],
    ['connect({ isolation: 1 })', (one) => one.connect(BASE, { isolation: 1 } as never), 'ERR_INVALID_OPTION', 'isolation'],
    ['warm({ isolate })', (one) => one.warm([], { isolate: 'x' } as never), 'ERR_UNKNOWN_OPTION', '"isolate" of warm()'],
    ['warm(text)', (one) => one.warm(BASE as never), 'ERR_INVALID_OPTION', 'warm() takes a list of origins'],
    ['warm([object])', (one) => one.warm([{ url: BASE } as never]), 'ERR_INVALID_URL', 'an object'],
    ['requestAll(object)', (one) => one.requestAll({ url: BASE } as never), 'ERR_INVALID_OPTION', 'requestAll() takes a list'],
    [
      'explain({ isolaton })',
      (one) => one.explain(BASE, { isolaton: 'x' } as never),
      'ERR_UNKNOWN_OPTION',
      'did you mean "isolation"?',
    ],
    ['ping(text)', (one) => one.ping(BASE, 'x' as never), 'ERR_INVALID_OPTION', 'timeoutMs'],
    ['ping({ timeout })', (one) => one.ping(BASE, { timeout: 1 } as never), 'ERR_INVALID_OPTION', 'timeoutMs'],
    [
      'pools.open({ maxConnections })',
      (one) => one.pools.open('x', { maxConnections: 1 } as never),
      'ERR_UNKNOWN_OPTION',
      '"pools.x.maxConnections"',
    ],
    [
      'pools.resize({ most })',
      (one) => one.pools.resize(BASE, 1, { most: 1 } as never),
      'ERR_UNKNOWN_OPTION',
      '"most" of pools.resize()',
    ],
    ['pools.resize(text)', (one) => one.pools.resize(BASE, 'x' as never), 'ERR_INVALID_OPTION', 'maxConnectionsPerOrigin'],
    [
      'pools.close({ isolation })',
      (one) => one.pools.close(BASE, { isolation: 'x' } as never),
      'ERR_INVALID_OPTION',
      'isolation',
    ],
    ['pools.find({ isolation })', (one) => one.pools.find(BASE, { isolation: 'x' } as never), 'ERR_INVALID_OPTION', 'isolation'],
  ])('%s', async (_title, call, code, message) => {
    const one = client()
    await expect((async () => call(one))()).rejects.toMatchObject({
      ...{ name: 'UsageError', code, message: expect.stringContaining(message) },
    })
    one.destroy()
  })

  it('a handle checks its arguments', async () => {
    const { port } = await server()
    const handle = await client().connect(`${BASE}:${port}`)
    await expect(handle.ping('x' as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
    await expect(handle.request(null as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
    await expect(handle.request({} as never)).rejects.toMatchObject({ code: 'ERR_INVALID_URL' })
  })
})

describe('options are read from own members only', () => {
  it.each([false, true])(
    'members of Object.prototype (enumerable: %s) do not affect requests, and are not refused',
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
        const one = client()
        expect((await one.request({ url: `${BASE}:${port}/` })).status).toBe(200)
        const handle = await one.connect(`${BASE}:${port}`)
        expect((await handle.request({ url: '/' })).status).toBe(200)
        expect((await one.explain(`${BASE}:${port}/`)).action).toBe('use')
        await handle.close()
        await one.close()
      } finally {
        for (const name of Object.keys(inherited)) delete prototype[name]
      }
      expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
    },
  )

  it('the prototype of a user-supplied object is not read', async () => {
    const { port } = await server()
    const url = `${BASE}:${port}/`
    await expect(client().request(Object.create({ url }))).rejects.toMatchObject({ code: 'ERR_INVALID_URL' })
    const own = Object.assign(Object.create({ method: 'DELETE', proxy: 'x' }), { url })
    expect((await client().request(own)).status).toBe(200)
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
  ])('value %#', (value, shown) => {
    expect(shownValue(value)).toBe(shown)
    expect(invalidOption('x', 'y', value).message).toBe(`option x takes y, not ${shown}`)
  })

  it('keys and passwords are not shown at all', () => {
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
  ])('%s: a typed error for a value that JSON cannot represent, or that is called only later', (name, value) => {
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
  ])('a request with %s', async (name, value) => {
    await expect(client().request({ url: BASE, [name]: value } as never)).rejects.toMatchObject({ name: 'UsageError' })
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

it.each([20_000_000, 2_000_000])('a URL of %i characters is a UsageError, as text and as an object', async (length) => {
  const url = `${BASE}/${'x'.repeat(length)}`
  const refused = { name: 'UsageError', code: 'ERR_INVALID_URL', message: expect.stringMatching(/^.{1,120}$/) }
  const one = client()
  await expect(one.request({ url })).rejects.toMatchObject(refused)
  await expect(one.request({ url: new URL(url) })).rejects.toMatchObject(refused)
  await expect(one.explain(url)).rejects.toMatchObject(refused)
  await expect(one.warm([url])).rejects.toMatchObject(refused)
  await expect(one.connect(url)).rejects.toMatchObject(refused)
})

it('an error about a URL does not repeat its password', async () => {
  const failing = client().request({ url: 'https://user:hunter2@a.example:99999/' })
  await expect(failing).rejects.toMatchObject({ code: 'ERR_INVALID_URL', message: expect.not.stringContaining('hunter2') })
})
