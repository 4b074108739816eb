/** nginx sends GOAWAY after `keepalive_requests`, during requests with streamed content. */

import { startNginx } from '@unshard/testkit'
import { clientFixture } from '../client/fixture.js'
import { createBackend } from './backend.js'

const { client: createClient, tls, defer } = clientFixture()

it('nginx receives every POST with a short streamed body', async () => {
  const backend = createBackend()
  const server = await startNginx({ tls: await tls(), behind: backend.listener, keepaliveRequests: 20 })
  if (server === undefined) return console.warn('nginx is not installed: the test is skipped')
  defer(() => server.stop())
  const client = createClient()
  const url = `https://a.test.example:${server.port}/behind/length`
  async function* body(): AsyncGenerator<string> {
    for (let i = 0; i < 10; i++) yield 'x'.repeat(100)
  }
  const post = async (): Promise<string> => (await client.request({ url, method: 'POST', body: body() })).text()
  for (let round = 0; round < 10; round++) {
    expect(await Promise.all(Array.from({ length: 50 }, post))).toEqual(Array.from({ length: 50 }, () => '1000'))
  }
  expect(client.stats().totals.replayed).toBeGreaterThan(0)
}, 30_000)
