import { Client } from '@unshard/core'
import { staticLookup, testWorld } from '@unshard/testkit'
import { Dispatcher, type DispatcherOptions, type DispatchHandler } from '../../src/undici/index.js'
import { rawRecorder } from './recorder.js'

const environment = testWorld()
const lookup = staticLookup({ 'a.test.example': '127.0.0.1' })

function dispatcher(options: DispatcherOptions = {}): Dispatcher {
  const made = new Dispatcher({ tls: { ca: environment.authority.ca }, lookup, ...options })
  environment.defer(() => made.destroy())
  return made
}

const at = (port: number, path = '/'): { origin: string; path: string; method: string } => ({
  origin: `https://a.test.example:${port}`,
  path,
  method: 'GET',
})

/** Names of the handler calls. */
async function eventsOf(one: Dispatcher, options: Parameters<Dispatcher['dispatch']>[0]): Promise<unknown[]> {
  const { handler, done } = rawRecorder()
  one.dispatch(options, handler)
  return (await done).map(([name, detail]) => (name === 'error' ? detail : name))
}

describe('dispatch', () => {
  it('returns false while many requests to an origin are in flight, and emits drain when there are fewer', async () => {
    const server = await environment.server()
    const one = dispatcher({ highWaterMark: 2 })
    const drained = new Promise<unknown[]>((resolve) => one.once('drain', (...given) => resolve(given)))
    const first = rawRecorder()
    const second = rawRecorder()
    expect(one.dispatch(at(server.port, '/slow'), first.handler)).toBe(true)
    expect(one.dispatch(at(server.port, '/slow'), second.handler)).toBe(false)
    await server.delivered(2)
    server.release()
    await Promise.all([first.done, second.done])
    const [origin, targets] = await drained
    expect([String(origin), targets]).toEqual([`https://a.test.example:${server.port}/`, [one]])
  })

  it('allowH2: false uses HTTP/1.1', async () => {
    const { port, requests } = await environment.server()
    const one = dispatcher()
    await eventsOf(one, { ...at(port), allowH2: false })
    await eventsOf(one, at(port))
    expect(requests.map(({ protocol }) => protocol)).toEqual(['http/1.1', 'h2'])
  })

  it('a handler that cannot be notified is an error of the caller', () => {
    const one = dispatcher()
    for (const handler of [undefined, null, 7, {}]) {
      expect(() => one.dispatch(at(1), handler as unknown as DispatchHandler)).toThrow(
        /handler must be an object|invalid onError/,
      )
    }
  })

  it('invalid options are reported to the handler', async () => {
    expect(await eventsOf(dispatcher(), undefined as never)).toEqual(['UND_ERR_INVALID_ARG'])
    expect(await eventsOf(dispatcher(), { path: '/', method: 'GET' })).toEqual(['UND_ERR_INVALID_ARG'])
    expect(await eventsOf(dispatcher(), { ...at(1), path: 'http://other.example/' })).toEqual(['UND_ERR_NOT_SUPPORTED'])
  })

  it('CONNECT goes to the fallback', async () => {
    const taken: unknown[] = []
    const one = dispatcher({ fallback: { dispatch: ({ method }) => taken.push(method) > 0 } })
    const { handler } = rawRecorder()
    expect(one.dispatch({ ...at(1), method: 'CONNECT' }, handler)).toBe(true)
    expect(taken).toEqual(['CONNECT'])
  })

  it('idempotent: false prevents a replay', async () => {
    let asked = 0
    const { port } = await environment.server({
      handler: (request) => {
        asked++
        request.socket.destroy()
      },
    })
    expect((await eventsOf(dispatcher({ protocols: ['http/1.1'] }), { ...at(port), idempotent: false })).at(-1)).toMatch(
      /UND_ERR_SOCKET|ECONNRESET/,
    )
    expect(asked).toBe(1)
  })

  it('an error thrown by onError is emitted as error', async () => {
    const one = dispatcher()
    const failure = new Error('in the handler')
    const heard = new Promise((resolve) => one.once('error', resolve))
    one.dispatch(
      { ...at(1), origin: 'https://nowhere.example' },
      {
        onConnect: () => undefined,
        onError: () => {
          throw failure
        },
      },
    )
    expect(await heard).toBe(failure)
  })
})

describe('events', () => {
  it('emits connect once per connection, disconnect when it is lost, connectionError if connecting fails', async () => {
    const server = await environment.server()
    const one = dispatcher({ replay: 0 })
    const told: unknown[] = []
    for (const event of ['connect', 'disconnect', 'connectionError']) {
      one.on(event, (origin: URL, targets: unknown[], error?: { code: string }) =>
        told.push([event, origin.hostname, targets[0] === one, error?.code]),
      )
    }
    await eventsOf(one, at(server.port))
    await eventsOf(one, at(server.port))
    const lost = [eventsOf(one, at(server.port, '/never')), eventsOf(one, at(server.port, '/never'))]
    await server.delivered(4)
    await server.close()
    await Promise.all(lost)
    await Promise.all([eventsOf(one, at(server.port)), eventsOf(one, at(server.port))])
    expect(told).toEqual([
      ['connect', 'a.test.example', true, undefined],
      ['disconnect', 'a.test.example', true, expect.stringMatching(/UND_ERR_SOCKET|ECONNRESET/)],
      ['connectionError', 'a.test.example', true, 'ECONNREFUSED'],
    ])
  })
})

describe('close and destroy', () => {
  it('close waits for requests in flight and refuses new ones', async () => {
    const server = await environment.server()
    const one = dispatcher()
    const running = eventsOf(one, at(server.port, '/slow'))
    await server.delivered(1)
    const closed = one.close()
    expect([one.closed, one.destroyed]).toEqual([true, false])
    expect(await eventsOf(one, at(server.port))).toEqual(['UND_ERR_CLOSED'])
    server.release()
    expect((await running).at(-1)).toBe('end')
    await closed
    expect(one.destroyed).toBe(true)
    await expect(one.close()).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' })
    await one.destroy()
  })

  it('destroy ends requests in flight with its error, and calls back', async () => {
    const server = await environment.server()
    const failures = [undefined, Object.assign(new Error('mine'), { code: 'MINE' })]
    for (const failure of failures) {
      const one = dispatcher()
      const running = eventsOf(one, at(server.port, '/never'))
      const called = new Promise((resolve) => (failure === undefined ? one.destroy(resolve) : one.destroy(failure, resolve)))
      expect((await running).at(-1)).toBe(failure?.code ?? 'UND_ERR_DESTROYED')
      expect(await called).toBe(null)
      expect(await eventsOf(one, at(server.port))).toEqual(['UND_ERR_DESTROYED'])
    }
  })

  it('a user-supplied client stays open', async () => {
    const { port } = await environment.server()
    const client = new Client({ tls: { ca: environment.authority.ca }, lookup })
    environment.defer(() => client.destroy())
    const one = new Dispatcher({ client })
    await eventsOf(one, at(port))
    await one.close()
    await new Dispatcher({ client }).destroy()
    expect((await client.request({ url: `https://a.test.example:${port}/` })).status).toBe(200)
    expect(client.stats().totals.dials).toBe(1)
  })

  it('the error for an unknown option names it', () => {
    expect(() => new Dispatcher({ nonsense: 1 } as never)).toThrow('nonsense')
  })
})

it('compose refuses an invalid interceptor, and can be used repeatedly', async () => {
  const { port } = await environment.server()
  const one = dispatcher()
  expect(() => one.compose('x' as never)).toThrow(TypeError)
  expect(() => one.compose((() => undefined) as never)).toThrow('invalid interceptor')
  const paths: string[] = []
  const noting = (name: string) => (dispatch: Dispatcher['dispatch']) => (options: never, handler: DispatchHandler) => {
    paths.push(name)
    return dispatch(options, handler)
  }
  const composed = one.compose(noting('inner') as never, null).compose([noting('outer') as never])
  const { handler, done } = rawRecorder()
  composed.dispatch(at(port), handler)
  expect((await done).at(-1)![0]).toBe('end')
  expect(paths).toEqual(['outer', 'inner'])
  await composed.close()
  expect(one.closed).toBe(true)
})
