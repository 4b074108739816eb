/**
 * The transport of Elasticsearch's client with a `Dispatcher` as its agent. It calls `request` on
 * it.
 */

import { ClusterConnectionPool, Transport, UndiciConnection } from '@elastic/transport'
import type { ProtocolName } from '@unshard/core'
import { Dispatcher } from '../../src/undici/index.js'
import { testEnvironment } from '../environment.js'

const { server, client } = testEnvironment()

it.each<ProtocolName>(['h2', 'http/1.1'])("Elasticsearch's transport sends its requests over %s", async (protocol) => {
  const { port } = await server({ protocols: [protocol] })
  const dispatcher = new Dispatcher({ client: client() })
  const pool = new ClusterConnectionPool({ Connection: UndiciConnection })
  pool.addConnection({ url: new URL(`https://a.test.example:${port}/`), agent: () => dispatcher })
  const transport = new Transport({ connectionPool: pool, maxRetries: 0 })

  const bulk = Array.from({ length: 100 }, (_, index) => ({ index }))
  const { statusCode, body } = await transport.request({ method: 'POST', path: '/inspect', bulkBody: bulk }, { meta: true })
  expect(statusCode).toBe(200)
  expect(body).toMatchObject({ method: 'POST', body: { length: 1290 } })

  const late = transport.request({ method: 'GET', path: '/never' }, { requestTimeout: 50 })
  await expect(late).rejects.toMatchObject({ name: 'TimeoutError' })
  const controller = new AbortController()
  const aborted = transport.request({ method: 'GET', path: '/never' }, { signal: controller.signal })
  controller.abort()
  await expect(aborted).rejects.toMatchObject({ name: 'RequestAbortedError' })
  await pool.empty()
})
