/** A request for which a real server closes the connection, among other requests. */

import { SMALL_TEXT, startNginx } from '@unshard/testkit'
import { clientFixture } from '../client/fixture.js'
import { createBackend } from './backend.js'

const { client: createClient, tls, defer } = clientFixture()

it('nginx answers the requests on the connection of a request with a cookie of 20 kB', async () => {
  const backend = createBackend()
  const server = await startNginx({ tls: await tls(), behind: backend.listener })
  if (server === undefined) return console.warn('nginx is not installed: the test is skipped')
  defer(() => server.stop())
  const client = createClient()
  const url = `https://a.test.example:${server.port}/small.txt`
  await (await client.request({ url })).text()
  const get = async (): Promise<string> => (await client.request({ url })).text()
  const first = [get(), get()]
  const poison = client.request({ url, headers: { cookie: `a=${'x'.repeat(20_000)}` } })
  const last = [get(), get()]
  const outcome = await poison.then(
    ({ status }) => status,
    (error: { errorCode?: number }) => error.errorCode,
  )
  // ENHANCE_YOUR_CALM, or a status, depending on the version.
  expect([0xb, 400, 431]).toContain(outcome)
  expect(await Promise.all([...first, ...last])).toEqual(Array.from({ length: 4 }, () => SMALL_TEXT))
  expect(client.stats().totals.dials).toBeLessThanOrEqual(4)
})
