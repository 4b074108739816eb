/**
 * Calls of Connect-ES over `unshard/connect`, with a server of connect-node: the newest version on each Node.js, and
 * the oldest one that is still used. The programs run every case over HTTP/2, HTTP/1.1 and a shared connection.
 */

import { fileURLToPath } from 'node:url'
import { testWorld } from '@unshard/testkit'
import { NODES, type NodeVersion, runOn } from '../nodes.js'

/** The outcome of a case, as the program prints it. */
interface Outcome {
  readonly name: string
  readonly passed: boolean
  readonly error?: string
}

const world = testWorld()
const [current] = NODES as readonly [NodeVersion]
const program = fileURLToPath(new URL('./programs/main.mjs', import.meta.url))

async function outcomes(node: NodeVersion, env: Readonly<Record<string, string>>): Promise<readonly Outcome[]> {
  const { cert, key } = await world.tls()
  return (await runOn(node, program, [], { CA: world.authority.ca, CERT: cert, KEY: key, ...env })) as Outcome[]
}

const versions = [...NODES.map((node) => ({ node, version: '2' })), { node: current, version: '1' }]
const runs = versions.flatMap((each) =>
  [
    { protocol: 'connect', least: 200 },
    { protocol: 'grpc', least: 130 },
    { protocol: 'grpc-web', least: 200 },
  ].map((run) => ({ ...each, ...run, major: each.node.major })),
)

it.each(runs)(
  'every call of $protocol does what it does over connect-node: Connect-ES $version, Node.js $major',
  async ({ node, version, protocol, least }) => {
    const cases = await outcomes(node, { CONNECT: version, PROTOCOL: protocol })
    expect(cases.filter(({ passed }) => !passed)).toEqual([])
    expect(cases.length).toBeGreaterThan(least)
  },
  100_000,
)

it('a case that fails is reported', async () => {
  const cases = await outcomes(current, { PROTOCOL: 'none', SPOILED: '1' })
  expect(cases.filter(({ passed }) => !passed)).toMatchObject([{ name: 'spoiled' }])
}, 100_000)
