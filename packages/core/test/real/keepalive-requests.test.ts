/** nginx ends a connection after `keepalive_requests`: with GOAWAY, while requests whose content is a stream are on their way. */

import { startNginx } from '@unshard/testkit'
import { clientFixture } from '../client/fixture.js'
import { createBehind } from './behind.js'

const { client, tls, defer } = clientFixture()

it('loses no POST whose content is a short stream', async () => {
  const behind = createBehind()
  const server = await startNginx({ tls: await tls(), behind: behind.listener, keepaliveRequests: 20 })
  if (server === undefined) return console.warn('nginx is not installed: nothing is shown')
  defer(() => server.stop())
  const one = client()
  const url = `https://a.test.example:${server.port}/behind/length`
  async function* body(): AsyncGenerator<string> {
    for (let i = 0; i < 10; i++) yield 'x'.repeat(100)
  }
  const post = async (): Promise<string> => (await one.request({ url, method: 'POST', body: body() })).text()
  for (let round = 0; round < 10; round++) {
    expect(await Promise.all(Array.from({ length: 50 }, post))).toEqual(Array.from({ length: 50 }, () => '1000'))
  }
  expect(one.stats().totals.replayed).toBeGreaterThan(0)
}, 30_000)
