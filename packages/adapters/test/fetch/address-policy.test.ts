/** The address policy in `fetch`, in undici's dispatcher and in event streams: no redirect and no other way leads around it. */

import type { AddressPolicyOption } from '@unshard/core'
import type { OriginHandler, OriginServer } from '@unshard/testkit'
import { readEvents, streamEvents } from '../../src/events/index.js'
import { createFetch, install, uninstall } from '../../src/index.js'
import { Dispatcher } from '../../src/undici/index.js'
import { testEnvironment } from '../environment.js'
import { failure } from './fixtures.js'

const { client: createClient, server } = testEnvironment()

/** Allows the address of the tests' servers, and no other loopback address. */
const ONLY_FIRST: AddressPolicyOption = { allow: ['127.0.0.1'] }
const FORBIDDEN = failure('ERR_ADDRESS_FORBIDDEN')

/** A server at a forbidden address, which counts its connections. */
function forbiddenServer(): Promise<OriginServer> {
  return server({ protocols: ['http/1.1'], address: '127.0.0.2', tls: undefined })
}

function redirectTo(location: () => string, status = 302): OriginHandler {
  return (request, response) => {
    if (request.url === '/ok') return void response.end('ok')
    response.writeHead(status, { location: location() })
    response.end()
  }
}

it.each([301, 302, 303, 307, 308])('a redirect with status %i to a forbidden address is not followed', async (status) => {
  const target = await forbiddenServer()
  const origin = await server({ handler: redirectTo(() => `http://127.0.0.2:${target.port}/`, status) })
  const fetch = createFetch(createClient({ addressPolicy: ONLY_FIRST }))
  await expect(fetch(`https://a.test.example:${origin.port}/`)).rejects.toMatchObject(FORBIDDEN)
  expect(target.connections).toBe(0)
})

it.each([
  'http://2130706434:PORT/',
  'http://0x7f.2:PORT/',
  '//127.0.0.2:PORT/',
  'http://[::ffff:127.0.0.2]:PORT/',
  'http://[64:ff9b::7f00:2]:PORT/',
])('a redirect to %s is judged by the address that it means', async (location) => {
  const target = await forbiddenServer()
  const origin = await server({ handler: redirectTo(() => location.replace('PORT', String(target.port))) })
  const fetch = createFetch(createClient({ addressPolicy: ONLY_FIRST }))
  await expect(fetch(`https://a.test.example:${origin.port}/`)).rejects.toMatchObject(FORBIDDEN)
  expect(target.connections).toBe(0)
})

it('a redirect to a Unix socket is refused', async () => {
  const origin = await server({ handler: redirectTo(() => 'http+unix://%2Ftmp%2Funused.sock/') })
  const fetch = createFetch(createClient({ addressPolicy: ONLY_FIRST, unixSockets: true }))
  await expect(fetch(`https://a.test.example:${origin.port}/`)).rejects.toMatchObject({ message: 'fetch failed' })
})

it('a policy of one call holds for its redirects', async () => {
  const target = await forbiddenServer()
  const origin = await server({ handler: redirectTo(() => `http://127.0.0.2:${target.port}/`) })
  const fetch = createFetch(createClient())
  const url = `https://a.test.example:${origin.port}/`
  await expect(fetch(url, { unshard: { addressPolicy: ONLY_FIRST } })).rejects.toMatchObject(FORBIDDEN)
  expect(target.connections).toBe(0)
  expect((await fetch(url)).status).toBe(200)
})

it('a policy in the defaults of a fetch holds for every call', async () => {
  const target = await forbiddenServer()
  const fetch = createFetch(createClient(), { addressPolicy: ONLY_FIRST })
  await expect(fetch(`http://127.0.0.2:${target.port}/`)).rejects.toMatchObject(FORBIDDEN)
  expect(target.connections).toBe(0)
})

it('an allowed address is fetched as before', async () => {
  const origin = await server({ handler: redirectTo(() => '/ok') })
  const fetch = createFetch(createClient({ addressPolicy: ONLY_FIRST }))
  expect(await (await fetch(`https://a.test.example:${origin.port}/`)).text()).toBe('ok')
})

it('an invalid policy is an error of the call', async () => {
  const fetch = createFetch(createClient())
  await expect(fetch('https://a.test.example/', { unshard: { addressPolicy: 'private' as never } })).rejects.toMatchObject(
    failure('ERR_INVALID_OPTION', 'addressPolicy'),
  )
})

it("undici's dispatcher refuses a forbidden address", async () => {
  const target = await forbiddenServer()
  const dispatcher = new Dispatcher({ client: createClient({ addressPolicy: ONLY_FIRST }) })
  await expect(dispatcher.request({ origin: `http://127.0.0.2:${target.port}`, path: '/', method: 'GET' })).rejects.toMatchObject(
    {
      cause: { code: 'ERR_ADDRESS_FORBIDDEN' },
    },
  )
  expect(target.connections).toBe(0)
  await dispatcher.close()
})

it('an event stream at a forbidden address fails', async () => {
  const target = await forbiddenServer()
  const fetch = createFetch(createClient({ addressPolicy: ONLY_FIRST }))
  const events = streamEvents(`http://127.0.0.2:${target.port}/`, {}, { fetch })
  await expect(events.next()).rejects.toMatchObject(FORBIDDEN)
  await expect(fetch(`http://127.0.0.2:${target.port}/`).then((response) => readEvents(response).next())).rejects.toMatchObject(
    FORBIDDEN,
  )
  expect(target.connections).toBe(0)
})

it('an installed fetch hands no call to a foreign dispatcher if its defaults have a policy', async () => {
  const taken: unknown[] = []
  const dispatcher = { dispatch: (options: unknown) => taken.push(options) > 0 }
  const client = createClient()
  for (const fetch of [createFetch(client, { addressPolicy: 'public' }), createFetch(client).with({ addressPolicy: 'public' })]) {
    install(fetch)
    try {
      await expect(globalThis.fetch('http://127.0.0.1:9/', { dispatcher } as never)).rejects.toMatchObject(
        failure('ERR_OTHER_DISPATCHER'),
      )
    } finally {
      uninstall()
    }
  }
  expect(taken).toEqual([])
})

it.each(['addressPolicy', 'isolation', 'client'])('a polluted Object.prototype.%s does not loosen a policy', async (name) => {
  const target = await forbiddenServer()
  const fetch = createFetch(createClient({ addressPolicy: ONLY_FIRST }), { affinity: 'x' })
  const value = { addressPolicy: 'any', isolation: 'other', client: createClient() }[name]
  Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
  try {
    for (const init of [{}, { priority: 'high' }, { unshard: { affinity: 'y' } }] as const)
      await expect(fetch(`http://127.0.0.2:${target.port}/`, init)).rejects.toMatchObject(FORBIDDEN)
  } finally {
    delete (Object.prototype as Record<string, unknown>)[name]
  }
  expect(target.connections).toBe(0)
})

it("undici's allowH2: false keeps the policy and the isolation of the client", async () => {
  const target = await forbiddenServer()
  const origin = `http://127.0.0.2:${target.port}`
  const dispatcher = new Dispatcher({ client: createClient({ pools: { [origin]: { addressPolicy: ONLY_FIRST } } }) })
  const request = { origin, path: '/', method: 'GET', allowH2: false }
  await expect(dispatcher.request(request as never)).rejects.toMatchObject({ cause: { code: 'ERR_ADDRESS_FORBIDDEN' } })
  expect(target.connections).toBe(0)
  await dispatcher.close()
})
