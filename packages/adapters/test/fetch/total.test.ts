/** `timeouts.total` covers a call with all of its redirects. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from '@unshard/core'
import { FakeClock } from '@unshard/testkit'
import { createFetch } from '../../src/index.js'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

it.each(['of the call', 'of the client'])('a total timeout %s does not restart with each redirect', async (whose) => {
  const clock = new FakeClock(1)
  let hops = 0
  const server = createServer((_request, response) => {
    hops++
    // Each hop takes 400 ms of the client's clock.
    clock.advance(400)
    response.writeHead(302, { location: `/${hops}` }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = new Client({ clock, ...(whose === 'of the client' ? { timeouts: { total: 1_000 } } : {}) })
  closers.push(
    () => server.close(),
    () => client.destroy(),
  )
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const init = whose === 'of the call' ? { unshard: { timeouts: { total: 1_000 } } } : {}
  await expect(createFetch(client)(url, init)).rejects.toMatchObject({
    message: 'fetch failed',
    cause: { name: 'TimeoutError', code: 'ERR_TIMEOUT_TOTAL', phase: 'total', ms: 1_000 },
  })
  expect(hops).toBe(3)
})
