/**
 * Calls of Connect-ES over `unshard/connect`, with a server of connect-node. The programs run every case over each
 * protocol and kind of connection on the current Node.js, and over each protocol and each kind of connection once on
 * the newer ones, and with the oldest version of Connect-ES that is still used.
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

/** Time for all programs, in milliseconds: far more than they need, because a busy machine is ten times as slow. */
const TIMEOUT_MS = 480_000
const CORE = ['connect over http/1.1', 'grpc over h2', 'grpc-web over shared']
const ALL = [
  ...['connect over h2', 'connect over http/1.1', 'connect over shared', 'grpc over h2', 'grpc over shared'],
  ...['grpc-web over h2', 'grpc-web over http/1.1', 'grpc-web over shared'],
]

const world = testWorld()
const [current, ...newer] = NODES as readonly [NodeVersion, ...NodeVersion[]]
const program = fileURLToPath(new URL('./programs/main.mjs', import.meta.url))

async function outcomes(node: NodeVersion, env: Readonly<Record<string, string>>): Promise<readonly Outcome[]> {
  const { cert, key } = await world.tls()
  const own = { CA: world.authority.ca, CERT: cert, KEY: key, ...env }
  return (await runOn(node, program, [], own, TIMEOUT_MS)) as Outcome[]
}

const whole = { node: current, version: '2', worlds: ALL }
const runs = [
  whole,
  { node: current, version: '1', worlds: CORE },
  ...newer.map((node) => ({ node, version: '2', worlds: CORE })),
]
const running = new Map<(typeof runs)[number], Promise<readonly Outcome[]>>()

// Two programs at a time: the one with all cases takes as long as the others together.
beforeAll(() => {
  let before: Promise<unknown> = Promise.resolve()
  for (const run of runs) {
    const start = () => outcomes(run.node, { CONNECT: run.version, WORLDS: run.worlds.join() })
    const printed = run === whole ? start() : before.then(start)
    running.set(run, printed)
    // Each test reports the failure of the program that it waits for.
    const over = printed.catch(() => undefined)
    if (run !== whole) before = over
  }
})

describe.each(runs.map((run) => ({ ...run, run, major: run.node.major })))(
  'Connect-ES $version on Node.js $major',
  ({ run, worlds }) => {
    it.each(worlds)(
      'every call of %s does what it does over connect-node',
      async (name) => {
        const cases = (await running.get(run)!).filter((each) => each.name.startsWith(`${name}: `))
        expect(cases.filter(({ passed }) => !passed)).toEqual([])
        expect(cases.length).toBeGreaterThan(60)
      },
      TIMEOUT_MS + 10_000,
    )

    it('no promise is rejected without a handler, and no other case is run', async () => {
      const cases = await running.get(run)!
      expect(cases.filter((each) => !worlds.some((name) => each.name.startsWith(`${name}: `)))).toEqual([])
    })
  },
)

it('a case that fails is reported', async () => {
  const cases = await outcomes(current, { WORLDS: 'none', SPOILED: '1' })
  expect(cases.filter(({ passed }) => !passed)).toMatchObject([{ name: 'spoiled' }])
}, 100_000)
