/** TLS sessions: a resumed one is checked as a new one is, and its certificate is known. */

import { checkServerIdentity } from 'node:tls'
import type { ClientOptions } from 'unshard'
import { answerOf, useServers } from './fixture.js'

const servers = useServers()
const VERSIONS = [
  ['TLS 1.3', { minVersion: 'TLSv1.3' }],
  ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
] as const satisfies [string, ClientOptions['tls']][]
const url = (host: string, path = '/'): string => `https://${host}.wild.example:${servers.report.wild}${path}`

describe.each(VERSIONS)('%s', (_version, tls) => {
  it('the second connection to a host resumes the session', async () => {
    const client = servers.client({ tls })
    expect(await answerOf(await client.request({ url: url('h0', '/last') }))).toMatchObject({ status: 200, resumed: false })
    const response = await client.request({ url: url('h0') })
    expect(response.connection.tls?.resumed).toBe(true)
    expect((await answerOf(response)).resumed).toBe(true)
  })

  it('both ends agree whether a session was resumed', async () => {
    const client = servers.client({ tls })
    await answerOf(await client.request({ url: url('h0', '/last') }))
    const response = await client.request({ url: url('h0') })
    const { resumed } = response.connection.tls!
    expect((await answerOf(response)).resumed).toBe(resumed)
  })

  it('the identity of the server is checked on each connection, resumed or not', async () => {
    const checked: string[] = []
    const check: typeof checkServerIdentity = (host, peer) => {
      checked.push(host)
      return checkServerIdentity(host, peer)
    }
    const client = servers.client({ tls: { ...tls, checkServerIdentity: check } })
    for (let round = 0; round < 3; round++) {
      await answerOf(await client.request({ url: url('h0', '/last') }))
      // Bun checks resumed sessions by itself too.
      expect(new Set(checked.splice(0))).toEqual(new Set(['h0.wild.example']))
    }
  })

  it('a check that refuses the server later refuses the next connection, resumed or not', async () => {
    let refuses = false
    const client = servers.client({
      tls: { ...tls, checkServerIdentity: () => (refuses ? new Error('not the server that was meant') : undefined) },
    })
    await answerOf(await client.request({ url: url('h0', '/last') }))
    refuses = true
    await expect(client.request({ url: url('h0') })).rejects.toMatchObject({ name: 'ConnectError', phase: 'tls' })
  })

  it('a connection after the first serves other hosts of its certificate', async () => {
    const client = servers.client({ tls })
    await answerOf(await client.request({ url: url('h0', '/last') }))
    const first = await answerOf(await client.request({ url: url('h0') }))
    const other = await answerOf(await client.request({ url: url('h1') }))
    expect(other).toMatchObject({ connection: first.connection, because: 'address-and-certificate' })
  })

  it('the certificate of each connection is known', async () => {
    const client = servers.client({ tls })
    await answerOf(await client.request({ url: url('h0', '/last') }))
    await answerOf(await client.request({ url: url('h0') }))
    expect(client.stats().connections.at(-1)?.subjectAltName).toBe('DNS:*.wild.example')
  })

  it('sessions of one host are not used for another', async () => {
    const client = servers.client({ tls, reuse: undefined })
    await answerOf(await client.request({ url: url('h0', '/last') }))
    expect(await answerOf(await client.request({ url: url('h1') }))).toMatchObject({ resumed: false, name: 'h1.wild.example' })
  })
})

it('a pin is checked on a resumed session as well', async () => {
  const client = servers.client({ tls: { pins: ['sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='] } })
  for (let round = 0; round < 2; round++) {
    await expect(client.request({ url: url('h0') })).rejects.toMatchObject({ code: 'ERR_TLS_PIN' })
  }
})
