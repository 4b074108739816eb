/** The engine for the protocol that ALPN chose, and connections that are refused. */

import { Duplex } from 'node:stream'
import { negotiate } from '../../../src/connect/alpn/negotiate.js'
import type { H2Options } from '../../../src/h2/connection-options.js'
import { WindowBudget } from '../../../src/h2/protocol/window.js'
import { parseOrigin } from '../../../src/index.js'
import { systemClock } from '../../../src/runtime/clock.js'
import type { Route } from '../../../src/transport/route.js'
import { plainTarget } from '../../fixtures.js'

const route: Route = {
  origin: parseOrigin('https://a.example'),
  reuseKey: '',
  proxy: undefined,
  remoteAddress: undefined,
  remotePort: undefined,
  localAddress: undefined,
  localPort: undefined,
  certificate: undefined,
  authorized: true,
  lenient: false,
  addresses: [],
  clientCertificate: false,
}
const settings = { initialWindowBytes: 131_072, connectionWindowBytes: 1_048_576, headerTableBytes: 4_096 }
const target = plainTarget(parseOrigin('https://a.example'))
const options: Omit<H2Options, 'pool' | 'record'> = {
  settings: { ...settings, maxFieldSectionBytes: 65_536 },
  budget: new WindowBudget(0),
  clock: systemClock,
}

function socket(): Duplex & { ref(): void; unref(): void } {
  const duplex = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  return Object.assign(duplex, { ref: () => undefined, unref: () => undefined })
}

describe('negotiate', () => {
  it.each([
    ['h2', 'h2'],
    ['http/1.1', 'http/1.1'],
    [undefined, 'http/1.1'],
  ])('ALPN %s creates the engine for %s', async (chosen, protocol) => {
    const connection = await negotiate(socket() as never, chosen, route, target, options)
    expect(connection).toMatchObject({ protocol, route, state: 'open' })
    connection.destroy(new Error('done'))
  })

  it.each(['spdy/3', '', 'H2', 'http/1.0'])(
    'a protocol that was not offered is refused, and its socket is closed: %j',
    async (chosen) => {
      const duplex = socket()
      const refused = negotiate(duplex as never, chosen, route, target, options)
      await expect(refused).rejects.toMatchObject({ name: 'ConnectError', phase: 'negotiate', processed: 'no' })
      expect(duplex.destroyed).toBe(true)
    },
  )

  it('a socket that receives bytes before any request is closed: they are not the first response', async () => {
    const duplex = socket()
    const starting = negotiate(duplex as never, 'http/1.1', route, target, options)
    duplex.push('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nEVIL!')
    await expect(starting).rejects.toMatchObject({ name: 'ConnectError', phase: 'negotiate', processed: 'no' })
    await expect(starting).rejects.toThrow('the server sent 43 bytes before any request')
    expect(duplex.destroyed).toBe(true)
  })

  it('a socket that fails while the HTTP/1.1 engine is loaded causes a rejection, not an exception', async () => {
    const duplex = socket()
    // As the dialer leaves the socket.
    duplex.on('error', () => undefined)
    const starting = negotiate(duplex as never, 'http/1.1', route, target, options)
    duplex.destroy(new Error('reset'))
    await expect(starting).rejects.toMatchObject({ name: 'ConnectError', phase: 'negotiate' })
  })
})
