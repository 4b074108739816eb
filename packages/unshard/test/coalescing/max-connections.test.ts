/** `maxConnections` with shared connections: a request that waits for the limit uses a connection that it may share. */

import { startTcpProxy } from '@unshard/testkit'
import { coalescing } from '../../src/index.js'
import { sharingFixture } from './fixture.js'

const HOSTS = [...'abcdef'].map((letter) => `${letter}.test.example`)

const { client, defer, get, lookup, serving } = sharingFixture(Object.fromEntries(HOSTS.map((host) => [host, '127.0.0.1'])))

it('six hosts at once under a limit of one share one connection, however slow its handshake is', async () => {
  const origin = await serving(['*.test.example'])
  const relay = await startTcpProxy(origin.port, { delayMs: 100 })
  defer(() => relay.close())
  const limited = client({ maxConnections: 1, reuse: coalescing() })
  const answers = await Promise.all(HOSTS.map((host) => get(limited, `https://${host}:${relay.port}/`)))
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
  expect(origin.connections).toBe(1)
})

it('a host that waits for the limit joins a busy connection whose server lists it in an ORIGIN frame, with trustOriginFrame', async () => {
  const origin = await serving(HOSTS, {
    origins: (port) => HOSTS.map((host) => `https://${host}:${port}`),
    handler: (request, response) => void (request.url === '/held' ? response.writeHead(200).write('part') : response.end('ok')),
  })
  // Nothing listens there: the host can be reached only by the connection of the other.
  lookup.table['b.test.example'] = '127.0.0.9'
  const limited = client({ maxConnections: 1, reuse: coalescing({ mode: 'origin-frame', trustOriginFrame: true }) })
  const [held, joined] = await Promise.all([
    limited.request({ url: `${origin.url('a.test.example')}/held` }),
    get(limited, `${origin.url('b.test.example')}/`),
  ])
  expect(joined).toMatchObject({ id: held.connection.id, coalesced: true, text: 'ok' })
})

it('a host with another certificate waits until the connection is idle, which is then closed', async () => {
  const origin = await serving(['a.test.example'])
  const other = await serving(['b.test.example'])
  const limited = client({ maxConnections: 1, reuse: coalescing() })
  const answers = await Promise.all([
    get(limited, `${origin.url('a.test.example')}/`),
    get(limited, `${other.url('b.test.example')}/`),
  ])
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  expect(limited.stats().connections).toHaveLength(1)
})
