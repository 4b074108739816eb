/** Ways to give the origin, the host and the fields of a dispatch. */

import { coalescing } from '@unshard/coalescing'
import { staticLookup } from '@unshard/testkit'
import { Dispatcher, type DispatchOptions } from '../../src/undici/index.js'
import { testEnvironment } from '../environment.js'
import { controllerRecorder } from './recorder.js'

const { server, client } = testEnvironment()

async function dispatched(one: Dispatcher, options: DispatchOptions) {
  const { handler, done } = controllerRecorder()
  one.dispatch(options, handler)
  return done
}

describe('an origin that is already resolved (an address, and a name)', () => {
  it.each<[string, (port: number) => Partial<DispatchOptions>]>([
    [
      'servername and host, as written by undici’s dns interceptor',
      (port) => ({ servername: 'a.test.example', headers: { host: `a.test.example:${port}` } }),
    ],
    ['servername only', () => ({ servername: 'a.test.example' })],
    ['host only', (port) => ({ headers: { host: `a.test.example:${port}` } })],
  ])('%s: connects to that address and resolves no name', async (_what, more) => {
    const [checked, rebound] = [await server({ address: '127.0.0.1' }), await server({ address: '127.0.0.2' })]
    const lookup = staticLookup({ 'a.test.example': '127.0.0.2' })
    const one = new Dispatcher({ client: client({ lookup }) })
    const options = { origin: `https://127.0.0.1:${checked.port}`, path: '/', method: 'GET', ...more(checked.port) }
    const told = await dispatched(one, options)
    expect(JSON.stringify(told)).toContain('hello from a.test.example')
    expect([checked.requests.length, rebound.connections, lookup.calls]).toEqual([1, 0, []])
    await one.close()
  })

  it('shares connections by that address: with names that resolve to it, not with the same name elsewhere', async () => {
    const first = await server({ protocols: ['h2'] })
    const lookup = staticLookup({ 'a.test.example': '127.0.0.1', 'b.test.example': '127.0.0.1' })
    const shared = client({ lookup, reuse: coalescing() })
    const one = new Dispatcher({ client: shared })
    const at = (name: string): DispatchOptions => ({
      origin: `https://127.0.0.1:${first.port}`,
      path: '/',
      method: 'GET',
      servername: name,
    })
    await dispatched(one, at('a.test.example'))
    await dispatched(one, at('b.test.example'))
    await (await shared.request({ url: first.url('b.test.example') })).text()
    expect([first.connections, lookup.calls.length]).toEqual([1, 1])
    await one.close()
  })

  it.each(['evil.example/x', 'a@b', 'a.test.example:1', 'a b', '/'])('a servername of %j is refused', async (servername) => {
    const one = new Dispatcher({ client: client() })
    const told = await dispatched(one, { origin: 'https://127.0.0.1:1', path: '/', method: 'GET', servername })
    expect(JSON.stringify(told)).toContain('UND_ERR_INVALID_ARG')
  })
})

it.each<[string, unknown]>([
  ['a record with a list', { host: ['a.example', 'b.example'] }],
  ['a flat list', ['host', 'a.example', 'Host', 'b.example']],
  [
    'pairs',
    new Map([
      ['host', 'a.example'],
      ['HOST', 'b.example'],
    ]),
  ],
])('differing host fields are refused: %s', async (_kind, headers) => {
  const one = new Dispatcher({ client: client() })
  const told = await dispatched(one, { origin: 'https://a.test.example', path: '/', method: 'GET', headers })
  expect(JSON.stringify(told)).toContain('UND_ERR_INVALID_ARG')
})

it('a form has a length and arrives unchanged', async () => {
  const { port, requests } = await server({ protocols: ['http/1.1'] })
  const one = new Dispatcher({ client: client() })
  const form = new FormData()
  form.set('a', '1')
  form.set('file', new File(['content'], 'x.txt', { type: 'text/plain' }))
  await dispatched(one, { origin: `https://a.test.example:${port}`, path: '/inspect', method: 'POST', body: form })
  expect(Number(requests[0]!.headers['content-length'])).toBeGreaterThan(100)
  expect(requests[0]!.headers).not.toHaveProperty('transfer-encoding')
  await one.close()
})

it('headers are read as a record even with a polluted Object.prototype', async () => {
  const { port, requests } = await server()
  const one = new Dispatcher({ client: client() })
  const prototype = Object.prototype as { [Symbol.iterator]?: unknown }
  prototype[Symbol.iterator] = function* () {
    yield ['x-forged', '1']
  }
  try {
    one.dispatch(
      { origin: `https://a.test.example:${port}`, path: '/', method: 'GET', headers: { 'x-own': '1' } },
      controllerRecorder().handler,
    )
  } finally {
    delete prototype[Symbol.iterator]
  }
  while (requests.length === 0) await new Promise(setImmediate)
  expect(requests[0]!.headers).toMatchObject({ 'x-own': '1' })
  expect(requests[0]!.headers).not.toHaveProperty('x-forged')
  await one.close()
})

it.each(['h2', 'http/1.1'] as const)(
  'over %s onResponseEnd of an empty response is called in the turn of its headers',
  async (protocol) => {
    const { port } = await server({ protocols: [protocol], handler: (_request, response) => void response.writeHead(204).end() })
    const one = new Dispatcher({ client: client() })
    const told = await new Promise<string[]>((resolve) => {
      const list: string[] = []
      one.dispatch(
        { origin: `https://a.test.example:${port}`, path: '/', method: 'GET' },
        {
          onRequestStart: () => undefined,
          onResponseStart() {
            list.push('start')
            queueMicrotask(() => list.push('later'))
          },
          onResponseEnd() {
            list.push('end')
            setImmediate(() => resolve(list))
          },
          onResponseError: (_controller, error) => resolve([String(error)]),
        },
      )
    })
    expect(told).toEqual(['start', 'end', 'later'])
    await one.close()
  },
)

it('names of raw fields do not share a buffer with other responses', async () => {
  const { port } = await server()
  const one = new Dispatcher({ client: client() })
  const ask = (): Promise<Buffer[]> =>
    new Promise((resolve, reject) => {
      one.dispatch(
        { origin: `https://a.test.example:${port}`, path: '/', method: 'GET' },
        {
          onConnect: () => undefined,
          onHeaders(_status, raw) {
            resolve(raw)
            return true
          },
          onComplete: () => undefined,
          onError: reject,
        },
      )
    })
  const first = await ask()
  const names = first.map(String)
  for (const part of first) part.fill('x')
  expect((await ask()).map(String).filter((_, i) => i % 2 === 0)).toEqual(names.filter((_, i) => i % 2 === 0))
  await one.close()
})
