/**
 * `pnpm bench connect`: CPU time of a unary call over connect-node and over `unshard/connect`, in turn, each in a fresh
 * process. Runs programs of `packages/libraries`, whose connect-node needs Node.js 22.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createAuthority, pinned } from '@unshard/testkit'
import type { RunContext, ScenarioReport } from '../report.js'

const TITLE = 'CPU time of a unary call of 5 bytes, 100 in flight, TLS, in µs'
const PROTOCOLS = ['connect', 'grpc', 'grpc-web']
const CALLS = 4_000
const LIBRARIES = new URL('../../../libraries/', import.meta.url)

/** Medians of one protocol, in microseconds. */
interface Figure {
  readonly protocol: string
  readonly unshard: number
  readonly connectNode: number
}

export async function runConnect(context: RunContext): Promise<ScenarioReport> {
  const authority = await createAuthority()
  const { cert, key } = await authority.issue({ names: ['*.test.example'] })
  const env = { CA: authority.ca, CERT: cert, KEY: key }
  const server = start('connect-server.mjs', [], env, context.cores?.server)
  try {
    const port = await lineOf(server)
    const figures: Figure[] = []
    for (const protocol of PROTOCOLS) {
      const [unshard, connectNode]: [number[], number[]] = [[], []]
      for (let round = 1; round <= context.rounds; round++) {
        const turn = (own: NodeJS.ProcessEnv): Promise<number> =>
          take([protocol, port, String(CALLS)], own, context.cores?.client)
        connectNode.push(await turn({ ...env, PEER: '1' }))
        unshard.push(await turn(env))
        context.report(`connect: ${protocol} ${round}/${context.rounds}`)
      }
      figures.push({ protocol, unshard: median(unshard), connectNode: median(connectNode) })
    }
    const lines = figures.map((each) => {
      const ratio = (each.unshard / each.connectNode).toFixed(2)
      return `${each.protocol}: ${each.unshard.toFixed(1)} over unshard, ${each.connectNode.toFixed(1)} over connect-node: ${ratio}`
    })
    return { json: { name: 'connect', figures } as { name: string }, text: `connect: ${TITLE}\n\n${lines.join('\n')}`, errors: 0 }
  } finally {
    server.kill()
  }
}

function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv, core: number | undefined): ChildProcess {
  const newer = fileURLToPath(new URL('node_modules/node-24/bin/node', LIBRARIES))
  const node = existsSync(newer) ? newer : process.execPath
  const [file, ...rest] = pinned(core, [node, fileURLToPath(new URL(`bench/${program}`, LIBRARIES)), ...args])
  return spawn(file, rest, { stdio: ['ignore', 'pipe', 2], env: { PATH: process.env['PATH'], ...env } })
}

async function take(args: readonly string[], env: NodeJS.ProcessEnv, core: number | undefined): Promise<number> {
  const child = start('connect-client.mjs', args, env, core)
  const [line] = await Promise.all([lineOf(child), once(child, 'close')])
  return Number(line)
}

/** Returns the first line that a process prints. @throws Error if it ends without one. */
async function lineOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line
  throw new Error('a process has ended without a result: is packages/libraries installed? npm run setup -- --tests')
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
