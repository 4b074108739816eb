/** Codes that no other test names, each by the failure that has it. */

import { once } from 'node:events'
import { connect } from 'node:tls'
import { Client } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'

const world = clientFixture()
const { client, server, defer } = world

it('a resolver that fails without a code: ERR_CONNECT_RESOLVE', async () => {
  const one = new Client({ lookup: (_host, _options, callback) => callback(new Error('no'), []) })
  defer(() => one.destroy())
  await expect(one.request({ url: 'https://a.example/' })).rejects.toMatchObject({
    code: 'ERR_CONNECT_RESOLVE',
    phase: 'resolve',
  })
})

it('a user-supplied check that refuses the certificate: ERR_CONNECT_TLS', async () => {
  const { port } = await server()
  const refusing = client({ tls: { ca: world.authority.ca, checkServerIdentity: () => new Error('not this one') } })
  const failing = refusing.request({ url: `https://a.test.example:${port}/` })
  await expect(failing).rejects.toMatchObject({ code: 'ERR_CONNECT_TLS', phase: 'tls', processed: 'no' })
})

it('a user-supplied TLS socket that negotiated another protocol: ERR_CONNECT_NEGOTIATE', async () => {
  const { port } = await server({ protocols: ['http/1.1'] })
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'a.test.example',
    ca: world.authority.ca,
    ALPNProtocols: ['http/1.1'],
  })
  await once(socket, 'secureConnect')
  const one = client({ sockets: socket, protocols: ['h2'] })
  const failing = one.request({ url: `https://a.test.example:${port}/` })
  await expect(failing).rejects.toMatchObject({ code: 'ERR_CONNECT_NEGOTIATE', phase: 'negotiate' })
})

it('HTTP/1.1 has no PING: ERR_PING_UNSUPPORTED', async () => {
  const { port } = await server({ protocols: ['http/1.1'] })
  const handle = await client().connect(`https://a.test.example:${port}`)
  await expect(handle.ping()).rejects.toMatchObject({ code: 'ERR_PING_UNSUPPORTED', processed: 'no' })
})

it('a proxy function that throws: ERR_PROXY_FUNCTION', async () => {
  const cause = new Error('no idea')
  const one = client({
    proxy: () => {
      throw cause
    },
  })
  await expect(one.request({ url: 'https://a.example/' })).rejects.toMatchObject({ code: 'ERR_PROXY_FUNCTION', cause })
})
