/** `unshard get`, run: many at once, and the connection map. */

import type { GetReport } from '../../src/cli/get.js'
import { commandRig } from './rig.js'

const { server, unshardAt } = commandRig()
const HOSTS = { 'a.test.example': '127.0.0.1', 'b.test.example': '127.0.0.1' }

it('fetches many over one connection, and draws the map', async () => {
  const started = await server({ handler: (_request, response) => response.end('hello') })
  const urls = ['a', 'b', 'a'].map((host) => `https://${host}.test.example:${started.port}/x`)
  const { code, stdout } = await unshardAt(HOSTS, 'get', ...urls)
  expect(code).toBe(0)
  expect(stdout).toContain(`${urls[0]}  200, 5 octets, #1 own (first-connection)`)
  expect(stdout).toContain(`${urls[1]}  200, 5 octets, #1 shared (address-and-certificate)`)
  const origins = `https://a.test.example:${started.port} https://b.test.example:${started.port}`
  expect(stdout).toContain(`#1 h2 127.0.0.1 port ${started.port}: ${origins}\n`)
  expect(stdout).toContain('1 dials, 1 TLS handshakes')
  expect(started.connections).toBe(1)
})

it('--json; what fails is named, and the exit code says so', async () => {
  const started = await server()
  const urls = [`https://a.test.example:${started.port}/`, `https://a.other.example:${started.port}/`]
  const { code, stdout } = await unshardAt({ ...HOSTS, 'a.other.example': '127.0.0.1' }, 'get', '--json', ...urls)
  const report = JSON.parse(stdout) as GetReport
  expect(code).toBe(1)
  expect(report.responses[0]).toMatchObject({ url: urls[0], status: 200, connection: { protocol: 'h2', coalesced: false } })
  expect(report.responses[1]).toMatchObject({
    url: urls[1],
    error: { message: expect.stringContaining('the TLS handshake failed') },
  })
})
