/** Sharing with the option `tls.secureContext`. */

import { createSecureContext } from 'node:tls'
import { testEnvironment } from '../environment.js'

const environment = testEnvironment()

it('connections with a context of the caller are shared unless it has a certificate of the client', async () => {
  const { authority } = environment
  const { key, cert } = await authority.issue({ names: ['client.test.example'] })
  const anonymous = createSecureContext({ ca: authority.ca })
  const authenticating = createSecureContext({ ca: authority.ca, key, cert })
  const origin = await environment.server()
  for (const [secureContext, connections] of [
    [anonymous, 1],
    [authenticating, 2],
  ] as const) {
    const before = origin.connections
    const client = environment.client({ tls: { secureContext }, lookup: (_host, _options, done) => done(null, '127.0.0.1', 4) })
    for (const host of ['a.test.example', 'b.test.example']) await (await client.request({ url: `${origin.url(host)}/` })).text()
    expect(origin.connections - before).toBe(connections)
  }
})
