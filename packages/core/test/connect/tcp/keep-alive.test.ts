/** TCP keepalive on dialed sockets, as the kernel reports it. */

import { readFileSync } from 'node:fs'
import { clientFixture } from '../../client/fixture.js'

const { client, server } = clientFixture()

/** The timer of a socket in /proc/net/tcp: 2 is the keepalive timer, with its expiry in seconds. */
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

const there = process.platform === 'linux'
if (!there) console.warn('no /proc/net/tcp here: TCP keepalive is not looked at')

describe.each(['h2', 'http/1.1'] as const)('%s', (protocol) => {
  it.each([
    ['by default after 60 s', undefined, 60],
    ['after the time that is given', { idleMs: 7_000 }, 7],
    ['never', false, undefined],
  ] as const)('%s', async (_what, tcpKeepAlive, seconds) => {
    if (!there) return
    const origin = await server({ protocols: [protocol] })
    const one = client(tcpKeepAlive === undefined ? {} : { tcpKeepAlive })
    const response = await one.request({ url: `${origin.url('a.test.example')}/` })
    await response.text()
    const due = keepaliveOf(response.connection.localPort!)
    if (seconds === undefined) expect(due).toBeUndefined()
    else expect(Math.ceil(due!)).toBe(seconds)
  })
})

it.each([{ idleMs: 5 }, { idleMS: 5_000 }, 'yes', null])('%j is refused', (tcpKeepAlive) => {
  expect(() => client({ tcpKeepAlive: tcpKeepAlive as never })).toThrow(/tcpKeepAlive/)
})
