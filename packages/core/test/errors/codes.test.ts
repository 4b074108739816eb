/** Error codes that no other test covers, each with the failure that causes it. */

import { once } from 'node:events'
import { connect } from 'node:tls'
import { Client } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'

const fixture = clientFixture()
const { client: createClient, server, defer } = fixture

it('a resolver that fails without a code causes ERR_CONNECT_RESOLVE', async () => {
  const client = new Client({ lookup: (_host, _options, callback) => callback(new Error('no'), []) })
  defer(() => client.destroy())
  await expect(client.request({ url: 'https://a.example/' })).rejects.toMatchObject({
    code: 'ERR_CONNECT_RESOLVE',
    phase: 'resolve',
  })
})

it('a user-supplied check that refuses the certificate causes ERR_CONNECT_TLS', async () => {
  const { port } = await server()
  const refusing = createClient({ tls: { ca: fixture.authority.ca, checkServerIdentity: () => new Error('not this one') } })
  const failing = refusing.request({ url: `https://a.test.example:${port}/` })
  await expect(failing).rejects.toMatchObject({ code: 'ERR_CONNECT_TLS', phase: 'tls', processed: 'no' })
})

it('a user-supplied TLS socket with another protocol causes ERR_CONNECT_NEGOTIATE', async () => {
  const { port } = await server({ protocols: ['http/1.1'] })
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'a.test.example',
    ca: fixture.authority.ca,
    ALPNProtocols: ['http/1.1'],
  })
  await once(socket, 'secureConnect')
  const client = createClient({ sockets: socket, protocols: ['h2'] })
  const failing = client.request({ url: `https://a.test.example:${port}/` })
  await expect(failing).rejects.toMatchObject({ code: 'ERR_CONNECT_NEGOTIATE', phase: 'negotiate' })
})

it('a PING over HTTP/1.1 causes ERR_PING_UNSUPPORTED', async () => {
  const { port } = await server({ protocols: ['http/1.1'] })
  const handle = await createClient().connect(`https://a.test.example:${port}`)
  await expect(handle.ping()).rejects.toMatchObject({ code: 'ERR_PING_UNSUPPORTED', processed: 'no' })
})

it('a proxy function that throws causes ERR_PROXY_FUNCTION', async () => {
  const cause = new Error('no idea')
  const client = createClient({
    proxy: () => {
      throw cause
    },
  })
  await expect(client.request({ url: 'https://a.example/' })).rejects.toMatchObject({ code: 'ERR_PROXY_FUNCTION', cause })
})
