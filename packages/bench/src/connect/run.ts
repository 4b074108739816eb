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
import { describe } from '../load.js'
import type { RunContext, ScenarioReport } from '../report.js'
import {
  CONNECT_NODE,
  type ConnectTurn,
  connectClaims,
  connectResult,
  describeConnect,
  PROTOCOLS,
  type Protocol,
  UNSHARD,
} from './figures.js'

const SERVER_TIMEOUT_MS = 30_000
const MARGIN_MS = 30_000
const LIBRARIES = new URL('../../../libraries/', import.meta.url)
/** Variables of the process, beside those of the certificate. */
const CLIENTS: readonly (readonly [name: string, env: NodeJS.ProcessEnv])[] = [
  [CONNECT_NODE, { PEER: '1' }],
  [UNSHARD, {}],
]

export async function runConnect(context: RunContext): Promise<ScenarioReport> {
  const authority = await createAuthority()
  const { cert, key } = await authority.issue({ names: ['*.test.example'] })
  const env = { CA: authority.ca, CERT: cert, KEY: key }
  const server = start('connect-server.mjs', [], env, context.cores?.server)
  try {
    const port = await lineOf(server, SERVER_TIMEOUT_MS)
    const results = []
    for (const protocol of PROTOCOLS) {
      const turns = new Map<string, ConnectTurn[]>(CLIENTS.map(([name]) => [name, []]))
      for (let round = 1; round <= context.rounds; round++) {
        for (const [name, own] of CLIENTS) {
          const turn = await turnOf(protocol, port, { ...env, ...own }, context)
          turns.get(name)!.push(turn)
          context.report(
            `connect ${protocol} ${round}/${context.rounds}: ${name} ${turn.error ?? `${turn.cpuMicros.toFixed(1)} µs`}`,
          )
        }
      }
      for (const [name, list] of turns) results.push(connectResult(protocol, name, list))
    }
    const claims = connectClaims(results)
    const node = results[0]?.rounds[0]?.node ?? process.version
    const title = `unary calls of 5 bytes, 100 in flight, one connection, by Node.js ${node}`
    return {
      json: { name: 'connect', title, results, claims } as { name: string },
      text: `connect: ${title}\n\n${describeConnect(results, claims)}`,
      errors: results.reduce((sum, { errors }) => sum + errors, 0),
    }
  } finally {
    server.kill()
  }
}

/** Resolves when the process has ended, so that the next one gets the core for itself. */
async function turnOf(
  protocol: Protocol,
  port: string,
  env: NodeJS.ProcessEnv,
  { cores, seconds, warmupSeconds }: RunContext,
): Promise<ConnectTurn> {
  const child = start('connect-client.mjs', [protocol, port, String(warmupSeconds), String(seconds)], env, cores?.client)
  const exit = once(child, 'exit')
  try {
    return JSON.parse(await lineOf(child, (seconds + warmupSeconds) * 1_000 + MARGIN_MS)) as ConnectTurn
  } catch (error) {
    return { cpuMicros: Number.NaN, perSecond: Number.NaN, node: process.version, error: describe(error) }
  } finally {
    child.kill()
    await exit
  }
}

function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv, core: number | undefined): ChildProcess {
  const newer = fileURLToPath(new URL('node_modules/node-24/bin/node', LIBRARIES))
  const node = existsSync(newer) ? newer : process.execPath
  const [file, ...rest] = pinned(core, [node, fileURLToPath(new URL(`bench/${program}`, LIBRARIES)), ...args])
  return spawn(file, rest, { stdio: ['ignore', 'pipe', 2], env: { PATH: process.env['PATH'], ...env } })
}

/** Returns the first line that a process prints. @throws Error if it ends without one, or is late: it is then killed. */
async function lineOf(child: ChildProcess, timeoutMs: number): Promise<string> {
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
  }, timeoutMs)
  try {
    for await (const line of createInterface({ input: child.stdout! })) return line
  } finally {
    clearTimeout(timer)
  }
  if (isLate) throw new Error(`no result within ${timeoutMs} ms`)
  throw new Error('a process has ended without a result: is packages/libraries installed? npm run setup -- --tests')
}
