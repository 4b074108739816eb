/** A request that a real server ends its connection for, beside others. */

import { SMALL_TEXT, startNginx } from '@unshard/testkit'
import { clientFixture } from '../client/fixture.js'
import { createBehind } from './behind.js'

const { client, tls, defer } = clientFixture()

it('nginx and a cookie of 20 kB: the requests beside it are answered, once each is enough', async () => {
  const behind = createBehind()
  const server = await startNginx({ tls: await tls(), behind: behind.listener })
  if (server === undefined) return console.warn('nginx is not installed: nothing is shown')
  defer(() => server.stop())
  const one = client()
  const url = `https://a.test.example:${server.port}/small.txt`
  await (await one.request({ url })).text()
  const get = async (): Promise<string> => (await one.request({ url })).text()
  const first = [get(), get()]
  const poison = one.request({ url, headers: { cookie: `a=${'x'.repeat(20_000)}` } })
  const last = [get(), get()]
  const outcome = await poison.then(
    ({ status }) => status,
    (error: { errorCode?: number }) => error.errorCode,
  )
  // ENHANCE_YOUR_CALM, or a status where this version has one for it.
  expect([0xb, 400, 431]).toContain(outcome)
  expect(await Promise.all([...first, ...last])).toEqual(Array.from({ length: 4 }, () => SMALL_TEXT))
  expect(one.stats().totals.dials).toBeLessThanOrEqual(4)
})
