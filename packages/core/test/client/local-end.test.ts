/** The local address of connections: `localAddress` and `localPort`. */

import { type AddressInfo, createServer } from 'node:net'
import { clientFixture } from './fixture.js'

const { client: createClient, server, defer } = clientFixture()

/** A free port of `address`, or one in use if `taken`. */
async function localPort(address: string, taken = false): Promise<number> {
  const holder = createServer()
  await new Promise<void>((resolve) => holder.listen(0, address, resolve))
  const { port } = holder.address() as AddressInfo
  if (taken) defer(() => holder.close())
  else await new Promise((resolve) => holder.close(resolve))
  return port
}

it.each(['h2', 'http/1.1'] as const)('a response has the addresses of both ends of its connection: %s', async (protocol) => {
  const origin = await server({ protocols: [protocol] })
  const port = await localPort('127.0.0.9')
  const response = await createClient({ localAddress: '127.0.0.9', localPort: port }).request({
    url: `${origin.url('a.test.example')}/`,
  })
  expect(response.connection).toMatchObject({
    ...{ protocol, remoteAddress: '127.0.0.1', remotePort: origin.port },
    ...{ localAddress: '127.0.0.9', localPort: port },
  })
  await response.text()
})

it('localPort without localAddress leaves the address to the system', async () => {
  const origin = await server()
  const port = await localPort('0.0.0.0')
  const response = await createClient({ localPort: port }).request({ url: `${origin.url('a.test.example')}/` })
  expect(response.connection).toMatchObject({ localAddress: '127.0.0.1', localPort: port })
  await response.text()
})

it('the error for EADDRINUSE names the local address', async () => {
  const origin = await server()
  const port = await localPort('127.0.0.9', true)
  const failing = createClient({ localAddress: '127.0.0.9', localPort: port }).request({
    url: `${origin.url('a.test.example')}/`,
  })
  await expect(failing).rejects.toMatchObject({
    ...{ name: 'ConnectError', phase: 'tcp', processed: 'no', cause: { code: 'EADDRINUSE' } },
    message: expect.stringContaining(`from 127.0.0.9, port ${port}`),
  })
})

it('the error for EADDRNOTAVAIL names the local address, and does not count against the remote address', async () => {
  const origin = await server()
  // RFC 5737: an address that no machine has.
  const failing = createClient({ localAddress: '192.0.2.9' }).request({ url: `${origin.url('a.test.example')}/` })
  await expect(failing).rejects.toMatchObject({
    ...{ name: 'ConnectError', phase: 'tcp', cause: { code: 'EADDRNOTAVAIL' } },
    message: expect.stringContaining('from 192.0.2.9'),
  })
})
