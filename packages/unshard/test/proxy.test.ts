/** Proxies in the complete package: `fetch`, and the policy that would share connections. */

import { startTestProxy } from '@unshard/testkit'
import { createFetch } from '../src/index.js'
import { testEnvironment } from './environment.js'

const environment = testEnvironment()

it('fetch uses the proxy of its client; behind the proxy origins do not share connections, with or without ORIGIN', async () => {
  const origin = await environment.server({ origins: (port) => ['a', 'b'].map((host) => `https://${host}.test.example:${port}`) })
  const via = await startTestProxy({ tls: await environment.tls('localhost') })
  environment.defer(() => via.close())
  const url = `https://localhost:${via.port}`
  const client = environment.client({ proxy: { url, tls: { ca: environment.authority.ca } } })
  const fetch = createFetch(client)
  for (const host of ['a', 'b', 'a', 'b']) {
    const response = await fetch(origin.url(`${host}.test.example`))
    expect(await response.text()).toContain(`hello from ${host}.test.example`)
    expect(response.connection).toMatchObject({ coalesced: false, proxy: url })
  }
  expect([via.connections, via.tunnels.length, origin.connections]).toEqual([1, 2, 2])
})

it('a fetch refused by the proxy fails like any fetch', async () => {
  const via = await startTestProxy({ credentials: 'user:pass' })
  environment.defer(() => via.close())
  const fetch = createFetch(environment.client({ proxy: via.url() }))
  await expect(fetch('https://a.test.example/')).rejects.toMatchObject({
    message: 'fetch failed',
    cause: { code: 'ERR_PROXY_AUTHENTICATION', status: 407 },
  })
})
