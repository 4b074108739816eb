/** One client in a separate process: unary calls in a closed loop, or one stream after the other. */

import { describe } from '../load.js'
import { type GrpcSession, sessions } from './competitors.js'
import { type BytesMethod, FAST_STREAM, STREAM } from './service.js'
import { type GrpcAssignment, type GrpcTurn, IN_FLIGHT, MESSAGES } from './task.js'

process.once('message', (assignment: GrpcAssignment) => {
  measure(assignment).then(answer, (error: unknown) => answer(failed(describe(error))))
})
process.once('uncaughtException', (error) => answer(failed(`uncaught: ${describe(error)}`)))
process.once('disconnect', () => process.exit())

type LoadArguments = [session: GrpcSession, seconds: number]

async function measure({ competitor, kind, port, ca, seconds, warmupSeconds }: GrpcAssignment): Promise<GrpcTurn> {
  const session = await sessions.get(competitor)!(port, ca)
  const run =
    kind === 'unary' ? unaryCalls : (...args: LoadArguments) => streams(kind === 'stream' ? STREAM : FAST_STREAM, ...args)
  // One first: a pool must know its server.
  await (kind === 'fast stream' ? session.stream(FAST_STREAM) : session.unary())
  await run(session, warmupSeconds)
  const [startedAt, before] = [performance.now(), process.cpuUsage()]
  const count = await run(session, seconds)
  const { user, system } = process.cpuUsage(before)
  const elapsed = (performance.now() - startedAt) / 1_000
  return { perSecond: count / elapsed, cpuMicros: (user + system) / count, errors: 0 }
}

async function unaryCalls(session: GrpcSession, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1_000
  let count = 0
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const response = await session.unary()
      if (response.length !== 11) throw new Error(`${response.length} bytes`)
      count++
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  return count
}

async function streams(method: BytesMethod, session: GrpcSession, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1_000
  let count = 0
  do {
    const messages = await session.stream(method)
    if (messages !== MESSAGES) throw new Error(`${messages} messages of ${MESSAGES}`)
    count += messages
  } while (performance.now() < end)
  return count
}

function failed(firstError: string): GrpcTurn {
  return { perSecond: Number.NaN, cpuMicros: Number.NaN, errors: 1, firstError }
}

function answer(turn: GrpcTurn): void {
  process.send!(turn, () => process.exit())
}
