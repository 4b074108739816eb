/**
 * `unshard probe`, run as a process against servers that share, that do not share, and that must
 * not share.
 */

import type { OriginServer } from '@unshard/testkit'
import type { ProbeReport } from '../../../src/cli/probe/probe.js'
import { commandFixture } from '../fixture.js'

const { server, unshardAt, environment } = commandFixture()
const HOSTS = { 'a.test.example': '127.0.0.1', 'b.test.example': '127.0.0.1', 'c.test.example': '127.0.0.1' }
const originsOf = ({ port }: OriginServer, ...hosts: string[]): string[] =>
  hosts.map((host) => `https://${host}.test.example:${port}`)

/** Runs the command with --json and parses the report. */
async function probe(hosts: Record<string, string>, ...args: string[]): Promise<{ code: number; report: ProbeReport }> {
  const { code, stdout, stderr } = await unshardAt(hosts, 'probe', '--json', ...args)
  if (stdout === '') throw new Error(stderr)
  return { code, report: JSON.parse(stdout) as ProbeReport }
}

it('origins that share: one connection, exit code 0, and all relevant properties', async () => {
  const started = await server({ origins: (port) => ['a', 'b', 'c'].map((host) => `https://${host}.test.example:${port}`) })
  const [a, b, c] = originsOf(started, 'a', 'b', 'c') as [string, string, string]
  const { code, report } = await probe(HOSTS, a, b, c)
  expect(code).toBe(0)
  expect(report.connections).toEqual([[a, b, c]])
  expect(report.origins[0]).toEqual({
    origin: a,
    addresses: ['127.0.0.1'],
    protocol: 'h2',
    connectedTo: '127.0.0.1',
    subjectAltName: 'DNS:*.test.example',
    originSet: [a, b, c],
  })
  expect(report.pairs).toHaveLength(6)
  expect(report.pairs).toContainEqual({ from: a, to: b, share: true, because: 'address-and-certificate' })
  expect(report).toMatchObject({ configuration: {}, exitCode: 0 })
  expect(report.comparisons).toBeUndefined()
  expect(started.requests).toEqual([])
})

it('origins that cannot share: another address, another certificate, not listed; exit code 1, each with its reason', async () => {
  const other = await environment.authority.issue({ names: ['c.test.example'] })
  const started = await server({
    names: ['a.test.example', 'b.test.example', 'd.test.example'],
    sni: { 'c.test.example': other },
    origins: (port) => [`https://b.test.example:${port}`],
  })
  const elsewhere = await server({ address: '127.0.0.2', port: started.port })
  const [a, b, c, d, e] = originsOf(started, 'a', 'b', 'c', 'd', 'e') as [string, string, string, string, string]
  const hosts = { ...HOSTS, 'd.test.example': '127.0.0.1', 'e.test.example': elsewhere.address }
  const { code, report } = await probe(hosts, a, b, c, d, e)
  expect(code).toBe(1)
  expect(report.connections).toEqual([[a, b], [c], [d], [e]])
  const because = (from: string, to: string): string | undefined =>
    report.pairs.find((pair) => pair.from === from && pair.to === to)?.because
  expect([because(a, c), because(a, d), because(a, e)]).toEqual([
    'certificate-does-not-cover-host',
    'not-in-origin-set',
    'certificate-does-not-cover-host',
  ])
  expect(because(e, a)).toBe('address-differs')
})

it('the text report has addresses, ALPN, names, ORIGIN, reasons, and a configuration', async () => {
  const other = await environment.authority.issue({ names: ['c.test.example'] })
  const started = await server({ names: ['a.test.example', 'b.test.example'], sni: { 'c.test.example': other } })
  const [a, b, c] = originsOf(started, 'a', 'b', 'c') as [string, string, string]
  const { code, stdout } = await unshardAt(HOSTS, 'probe', a, b, c)
  expect(code).toBe(1)
  expect(stdout).toContain(
    `${a}\n  addresses    127.0.0.1\n  connected    127.0.0.1, h2\n  certificate  DNS:a.test.example, DNS:b.test.example\n`,
  )
  expect(stdout).toContain('  ORIGIN       not sent')
  expect(stdout).toContain(`${a} can carry ${b}\n${c} is not shared\n`)
  expect(stdout).toContain(`${c} cannot use the connection of ${a}`.replace(' over', ' not over'))
  expect(stdout).toContain('2 connections for 3 origins')
  expect(stdout).toContain('createClient()')
})

it('HTTP/1.1 is not shared, with its reason', async () => {
  const started = await server({ protocols: ['http/1.1'] })
  const { code, report } = await probe(HOSTS, ...originsOf(started, 'a', 'b'))
  expect([code, report.connections.length, report.pairs[0]?.because]).toEqual([1, 2, 'not-h2'])
})

describe('--send', () => {
  it('the same server behind both names gives the same response', async () => {
    const started = await server({ handler: (_request, response) => response.end('one server') })
    const [a, b] = originsOf(started, 'a', 'b') as [string, string]
    const { code, report } = await probe(HOSTS, a, b, '--send')
    expect(code).toBe(0)
    expect(report.comparisons).toMatchObject([{ origin: b, sharedWith: a, outcome: 'same', own: { status: 200, bytes: 10 } }])
  })

  it.each([
    ['a gateway that selects the tenant by SNI and answers 200', 200, 'other-content', { wildcards: 'declared' }],
    ['a gateway that answers 404', 404, 'other-status', { suspectStatuses: [404] }],
  ])('%s is found and denied in the configuration, exit code 1', async (_what, status, outcome, more) => {
    const started = await server({
      handler: (request, response) => {
        const { servername } = request.socket as { servername?: string }
        const right = String(request.headers[':authority']).startsWith(`${servername}:`)
        response.writeHead(right ? 200 : status).end(`tenant ${servername}`)
      },
    })
    const [a, b] = originsOf(started, 'a', 'b') as [string, string]
    const { code, report } = await probe(HOSTS, a, b, '--send', '--path', '/who')
    expect(code).toBe(1)
    expect(report.comparisons).toMatchObject([{ origin: b, sharedWith: a, outcome, own: { status: 200 }, shared: { status } }])
    expect(report.configuration).toEqual({ deny: ['b.test.example'], ...more })
    expect(started.requests.every(({ path }) => path === '/who')).toBe(true)
    const { stdout } = await unshardAt(HOSTS, 'probe', a, b, '--send')
    expect(stdout).toContain("deny: ['b.test.example']")
  })

  it('a 421 needs no configuration, because a client handles it by itself', async () => {
    const started = await server({
      handler: (request, response) => {
        const { servername } = request.socket as { servername?: string }
        response.writeHead(String(request.headers[':authority']).startsWith(`${servername}:`) ? 200 : 421).end()
      },
    })
    const { code, report } = await probe(HOSTS, ...originsOf(started, 'a', 'b'), '--send')
    expect(code).toBe(1)
    expect(report.comparisons).toMatchObject([{ outcome: 'misdirected', own: { status: 200 }, shared: { status: 421 } }])
    expect(report.configuration).toEqual({})
  })

  it('content that differs each time: only the status is compared', async () => {
    let count = 0
    const started = await server({ handler: (_request, response) => response.end(`answer ${++count}`) })
    const { code, report } = await probe(HOSTS, ...originsOf(started, 'a', 'b'), '--send')
    expect([code, report.comparisons?.[0]?.outcome]).toEqual([0, 'varies'])
  })

  it('a missing response is reported after the timeout', async () => {
    const started = await server({ handler: () => undefined })
    const { code, report } = await probe(HOSTS, ...originsOf(started, 'a', 'b'), '--send', '--timeout', '2')
    expect(code).toBe(1)
    expect(report.comparisons).toMatchObject([{ outcome: 'failed', error: expect.stringContaining('headers') }])
  })
})

it('an origin that cannot be reached: exit code 2, and the others are still reported', async () => {
  const started = await server()
  const [a, b] = originsOf(started, 'a', 'b') as [string, string]
  await (await server({ address: '127.0.0.3' })).close()
  const { code, report } = await probe({ ...HOSTS, 'x.test.example': '127.0.0.3' }, a, b, 'https://x.test.example:1')
  expect(code).toBe(2)
  expect(report.connections).toEqual([[a, b]])
  expect(report.origins[2]).toMatchObject({ addresses: ['127.0.0.3'], error: { code: expect.any(String) } })
  expect(report.origins[2]).not.toHaveProperty('protocol')
})
