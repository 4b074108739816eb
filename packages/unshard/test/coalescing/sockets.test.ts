/**
 * User-supplied sockets are shared like any connection, if the other name resolves to the same
 * address, including private ones.
 */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type OriginServer, staticLookup } from '@unshard/testkit'
import type { SocketsOption } from '../../src/index.js'
import { testEnvironment } from '../environment.js'

const { client, server, defer } = testEnvironment()

async function tcp({ port }: OriginServer): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => undefined)
  defer(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

const KINDS: [string, (socket: Socket, name: string) => SocketsOption][] = [
  ['Map', (socket, name) => new Map([[name, socket]])],
  ['object', (socket, name) => ({ [name]: socket })],
  ['function', (socket) => () => socket],
]

describe.each(KINDS)('a %s connection over sockets to a private address', (_kind, make) => {
  const start = async (names: Record<string, string | string[]>) => {
    const origin = await server({ protocols: ['h2'] })
    const socket = await tcp(origin)
    const one = client({ lookup: staticLookup(names), sockets: make(socket, `127.0.0.1:${origin.port}`) })
    const ask = async (host: string) => {
      const response = await one.request({ url: `${origin.url(host)}/` })
      await response.text()
      return response.connection
    }
    return { origin, socket, ask }
  }

  it('two names that resolve to it share it, one after the other', async () => {
    const { origin, socket, ask } = await start({ 'a.test.example': '127.0.0.1', 'b.test.example': '127.0.0.1' })
    expect(await ask('a.test.example')).toMatchObject({ localPort: socket.localPort, coalesced: false })
    expect(await ask('b.test.example')).toMatchObject({ localPort: socket.localPort, coalesced: true })
    expect(origin.connections).toBe(1)
  })

  it('of two parallel requests the second waits for the handshake of the first', async () => {
    const { origin, socket, ask } = await start({ 'a.test.example': '127.0.0.1', 'b.test.example': '127.0.0.1' })
    const used = await Promise.all([ask('a.test.example'), ask('b.test.example')])
    expect(used.map(({ localPort }) => localPort)).toEqual([socket.localPort, socket.localPort])
    expect(origin.connections).toBe(1)
  })

  it('a name that also has a public address does not share it: that may be DNS rebinding', async () => {
    const { origin, socket, ask } = await start({
      'a.test.example': '127.0.0.1',
      'b.test.example': ['127.0.0.1', '93.184.215.14'],
    })
    await ask('a.test.example')
    expect((await ask('b.test.example')).localPort).not.toBe(socket.localPort)
    expect(origin.connections).toBe(2)
  })
})
