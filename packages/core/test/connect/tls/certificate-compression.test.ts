/** Certificates that the server compresses (RFC 8879), where this version of Node has it. */

import { connect as connectTcp, createServer as createTcpServer } from 'node:net'
import { createSecureContext } from 'node:tls'
import { clientFixture } from '../../client/fixture.js'

const fixture = clientFixture()
const { client: createClient, server, tls, defer } = fixture
const [major = 0] = process.versions.node.split('.').map(Number)
const names = Array.from({ length: 60 }, (_, i) => `host-number-${i}.test.example`)

/** Bytes that a server sends until the first response, counted by a relay. */
async function bytesReceived(certificateCompression: readonly string[] | undefined): Promise<number> {
  const credentials = await tls('a.test.example', ...names)
  const origin = await server({ tls: { ...credentials, certificateCompression: ['zlib'] } as never, protocols: ['h2'] })
  let bytes = 0
  const relay = createTcpServer((socket) => {
    const upstream = connectTcp(origin.port, '127.0.0.1')
    upstream.on('data', (part) => {
      bytes += part.length
    })
    upstream.pipe(socket).pipe(upstream)
    for (const each of [socket, upstream]) each.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  defer(() => new Promise((resolve) => relay.close(resolve)))
  const { port } = relay.address() as { port: number }
  const { ca } = fixture.authority
  const client = createClient(certificateCompression === undefined ? {} : ({ tls: { ca, certificateCompression } } as never))
  await (await client.request({ url: `https://a.test.example:${port}/` })).text()
  client.destroy()
  return bytes
}

it('makes a handshake with many names shorter, unless the caller turns it off', async () => {
  if (major < 24) return console.warn(`Node ${process.versions.node} has no certificate compression: the test is skipped`)
  expect(await bytesReceived(undefined)).toBeLessThan((await bytesReceived([])) * 0.9)
})

it('leaves errors of the options as they are', async () => {
  const key = 'nonsense'
  let expected = ''
  try {
    createSecureContext({ key })
  } catch (error) {
    expected = (error as Error).message
  }
  await expect(createClient({ tls: { key } }).request({ url: 'https://a.test.example/' })).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTION',
    message: expect.stringContaining(expected),
  })
})
