/** TCP keepalive of dialed sockets, as the kernel reports it. */

import { readFileSync } from 'node:fs'
import { clientFixture } from '../../client/fixture.js'

const { client: createClient, server } = clientFixture()

/** The expiry of a socket's keepalive timer in /proc/net/tcp (kind 02), in seconds. */
function keepaliveOf(localPort: number): number | undefined {
  const port = localPort.toString(16).toUpperCase().padStart(4, '0')
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    const columns = line.trim().split(/\s+/)
    if (columns[1]?.endsWith(`:${port}`) !== true || columns[3] !== '01') continue
    const [kind, ticks] = columns[5]!.split(':') as [string, string]
    return kind === '02' ? Number.parseInt(ticks, 16) / 100 : undefined
  }
  return undefined
}

const isLinux = process.platform === 'linux'
if (!isLinux) console.warn('no /proc/net/tcp here: TCP keepalive is not looked at')

describe.each(['h2', 'http/1.1'] as const)('the keepalive timer of a connection over %s', (protocol) => {
  it.each([
    ['starts after 60 s by default', undefined, 60],
    ['starts after the configured time', { idleMs: 7_000 }, 7],
    ['does not start if turned off', false, undefined],
  ] as const)('%s', async (_what, tcpKeepAlive, seconds) => {
    if (!isLinux) return
    const origin = await server({ protocols: [protocol] })
    const client = createClient(tcpKeepAlive === undefined ? {} : { tcpKeepAlive })
    const response = await client.request({ url: `${origin.url('a.test.example')}/` })
    await response.text()
    const expiry = keepaliveOf(response.connection.localPort!)
    if (seconds === undefined) expect(expiry).toBeUndefined()
    else expect(Math.ceil(expiry!)).toBe(seconds)
  })
})

it.each([{ idleMs: 5 }, { idleMS: 5_000 }, 'yes', null])('a tcpKeepAlive of %j is refused', (tcpKeepAlive) => {
  expect(() => createClient({ tcpKeepAlive: tcpKeepAlive as never })).toThrow(/tcpKeepAlive/)
})
