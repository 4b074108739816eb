/** The option `tls.secureContext`: a context that the caller has made. */

import { createSecureContext } from 'node:tls'
import { mayAuthenticate } from '../../../src/connect/tls/secure-context.js'
import { clientFixture } from '../../client/fixture.js'

const fixture = clientFixture()
const { client: createClient, server } = fixture

it('its trust applies to the connections of the client', async () => {
  const { authority } = fixture
  const origin = await server()
  const url = `${origin.url('a.test.example')}/`
  const trusting = createClient({ tls: { secureContext: createSecureContext({ ca: authority.ca }) } })
  expect((await trusting.request({ url })).status).toBe(200)
  const other = createClient({ tls: { secureContext: createSecureContext() } })
  await expect(other.request({ url })).rejects.toMatchObject({ name: 'ConnectError', phase: 'tls' })
})

it('a context with a certificate authenticates the client; one that cannot be read may do so', async () => {
  const { authority } = fixture
  const { key, cert } = await authority.issue({ names: ['client.test.example'] })
  expect(mayAuthenticate(createSecureContext({ ca: authority.ca }))).toBe(false)
  expect(mayAuthenticate(createSecureContext({ ca: authority.ca, key, cert }))).toBe(true)
  expect(mayAuthenticate({ context: {} } as never)).toBe(true)
})

it.each(['ca', 'ciphers', 'minVersion', 'certificateCompression'])(
  '%s beside it is refused, because Node would ignore it',
  (name) => {
    const tls = { secureContext: createSecureContext(), [name]: 'any' }
    expect(() => createClient({ tls: tls as never })).toThrow(`option tls.${name}: a secureContext has its own`)
  },
)

it.each([null, true, {}])('%j is not a context', (secureContext) => {
  expect(() => createClient({ tls: { secureContext: secureContext as never } })).toThrow('option tls.secureContext')
})
