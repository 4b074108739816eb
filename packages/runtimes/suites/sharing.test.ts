/** One connection serves the hosts that the rules allow, and no others. */

import { coalescing } from 'unshard'
import { type Answer, answerOf, hosts, useServers } from './fixture.js'

const servers = useServers()

/** Requests each host once, at the same time. */
function burst(client: ReturnType<typeof servers.client>, family: string, port: number, path = '/'): Promise<Answer[]> {
  return Promise.all(hosts(family).map(async (host) => answerOf(await client.request({ url: `https://${host}:${port}${path}` }))))
}

const connectionsOf = (answers: readonly Answer[]): number => new Set(answers.map(({ connection }) => connection)).size

describe.each([
  ['a certificate that names each host', 'named'],
  ['a wildcard certificate', 'wild'],
] as const)('12 hosts behind %s', (_what, family) => {
  it('are served by one connection, in the first burst', async () => {
    const client = servers.client()
    const answers = await burst(client, family, servers.report[family])
    expect(connectionsOf(answers)).toBe(1)
    expect(client.stats().totals.dials).toBe(1)
    expect(answers.filter(({ because }) => because === 'address-and-certificate')).toHaveLength(11)
  })

  it('are served by the same connection, in the next bursts', async () => {
    const client = servers.client()
    const all: Answer[] = []
    for (let round = 0; round < 5; round++) all.push(...(await burst(client, family, servers.report[family])))
    expect(connectionsOf(all)).toBe(1)
    expect(all.every(({ status }) => status === 200)).toBe(true)
  })

  it('are served by one connection, one after the other', async () => {
    const client = servers.client()
    const all: Answer[] = []
    for (const host of hosts(family)) {
      all.push(await answerOf(await client.request({ url: `https://${host}:${servers.report[family]}/` })))
    }
    expect(connectionsOf(all)).toBe(1)
  })
})

it('hosts whose certificates differ have a connection each, with its own server name', async () => {
  const client = servers.client()
  const answers = await Promise.all(
    ['h0.one.example', 'h1.one.example', 'h0.two.example', 'h1.two.example'].map(async (host) => ({
      host,
      ...(await answerOf(await client.request({ url: `https://${host}:${servers.report.apart}/` }))),
    })),
  )
  expect(new Set(answers.map(({ connection }) => connection)).size).toBe(2)
  for (const { host, name } of answers) expect(name.slice(3)).toBe(host.slice(3))
})

it('nothing is shared if certificates are not verified', async () => {
  const client = servers.client({ tls: { rejectUnauthorized: false } })
  expect(connectionsOf(await burst(client, 'wild', servers.report.wild))).toBe(12)
})

it('nothing is shared with hosts in deny', async () => {
  const client = servers.client({ reuse: coalescing({ deny: ['h3.wild.example'] }) })
  const answers = await burst(client, 'wild', servers.report.wild)
  expect(connectionsOf(answers)).toBe(2)
  expect(answers[3]!.name).toBe('h3.wild.example')
})

it('nothing is shared without the policy', async () => {
  const client = servers.client({ reuse: undefined })
  expect(connectionsOf(await burst(client, 'wild', servers.report.wild))).toBe(12)
})

it('isolated requests have connections of their own', async () => {
  const client = servers.client()
  const request = async (isolation?: string): Promise<Answer> =>
    answerOf(
      await client.request({
        url: `https://h0.wild.example:${servers.report.wild}/`,
        ...(isolation !== undefined && { isolation }),
      }),
    )
  const answers = [await request(), await request('red'), await request('red'), await request('blue')]
  expect(connectionsOf(answers)).toBe(3)
})

it('an ORIGIN frame limits a connection to the hosts that it names', async () => {
  const client = servers.client()
  const url = (host: string): string => `https://${host}.named.example:${servers.report.origins}/`
  const answers: Answer[] = []
  for (const host of ['h0', 'h1', 'h2']) answers.push(await answerOf(await client.request({ url: url(host) })))
  expect(answers.map(({ name }) => name)).toEqual(['h0.named.example', 'h0.named.example', 'h2.named.example'])
})

it('a connection without free streams lets requests wait or another connection open, and none is lost', async () => {
  const client = servers.client()
  const { few } = servers.report
  const requests = Array.from({ length: 200 }, (_, number) => `https://h${number % 12}.wild.example:${few}/bytes/10`)
  const answers = await Promise.all(requests.map(async (url) => answerOf(await client.request({ url }))))
  expect(answers.every(({ status }) => status === 200)).toBe(true)
})

it('a host whose certificate does not cover it is refused', async () => {
  const client = servers.client()
  await expect(client.request({ url: `https://h0.other.example:${servers.report.wild}/` })).rejects.toMatchObject({
    name: 'ConnectError',
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
})
