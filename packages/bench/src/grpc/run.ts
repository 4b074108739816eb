/** `pnpm bench grpc`: unary calls and streams of messages, against a server of `@grpc/grpc-js`. */

import { describe } from '../load.js'
import { nextMessage, startScript, takeTurn } from '../processes.js'
import type { RunContext, ScenarioReport } from '../report.js'
import { sessions } from './competitors.js'
import { describeGrpc, grpcClaims, grpcResult } from './figures.js'
import { type GrpcAssignment, type GrpcKind, type GrpcServerPort, type GrpcTurn, IN_FLIGHT, MESSAGE_BYTES } from './task.js'

const SERVER_TIMEOUT_MS = 30_000
const MARGIN_MS = 30_000
const TITLE = `unary calls of 11 bytes, ${IN_FLIGHT} in flight, and streams of messages of ${MESSAGE_BYTES} bytes, one at a time`
const KINDS: readonly GrpcKind[] = ['unary', 'stream', 'fast stream']

export async function runGrpc(context: RunContext): Promise<ScenarioReport> {
  const child = startScript('grpc/server.js', { core: context.cores?.server, args: [context.folder] })
  try {
    const server = await nextMessage<GrpcServerPort>(child, SERVER_TIMEOUT_MS)
    const results = []
    for (const kind of KINDS) {
      if (kind === 'fast stream' && server.fastPort === undefined) {
        context.report('grpc: nghttpd is not installed: no fast stream')
        continue
      }
      const turns = new Map<string, GrpcTurn[]>([...sessions.keys()].map((name) => [name, []]))
      for (let round = 1; round <= context.rounds; round++) {
        for (const [name, list] of turns) list.push(await turnOf(name, kind, server, context, round))
      }
      for (const [name, list] of turns) results.push(grpcResult(name, kind, list))
    }
    const claims = grpcClaims(results)
    return {
      json: { name: 'grpc', title: TITLE, results, claims } as { name: string },
      text: `grpc: ${TITLE}\n\n${describeGrpc(results, claims)}`,
      errors: results.reduce((sum, { errors }) => sum + errors, 0),
    }
  } finally {
    if (child.connected) child.disconnect()
  }
}

async function turnOf(
  competitor: string,
  kind: GrpcAssignment['kind'],
  { port, ca, fastPort }: GrpcServerPort,
  { cores, seconds, warmupSeconds, rounds, report }: RunContext,
  round: number,
): Promise<GrpcTurn> {
  const assignment: GrpcAssignment = {
    competitor,
    kind,
    port: kind === 'fast stream' ? fastPort! : port,
    ca,
    seconds,
    warmupSeconds,
  }
  const timeoutMs = (seconds + warmupSeconds) * 1000 + MARGIN_MS
  const turn = await takeTurn<GrpcTurn>('grpc/child.js', assignment, { core: cores?.client }, timeoutMs).catch(
    (error: unknown): GrpcTurn => ({ perSecond: Number.NaN, cpuMicros: Number.NaN, errors: 1, firstError: describe(error) }),
  )
  report(`grpc ${kind} ${round}/${rounds}: ${competitor} ${turn.firstError ?? `${turn.cpuMicros.toFixed(1)} µs`}`)
  return turn
}
