/**
 * The servers of the mixed load in a separate process: they respond, misbehave by a seed, and
 * record deliveries.
 */

import type { ServerHttp2Session } from 'node:http2'
import {
  type ChaosProxy,
  type Credentials,
  type OriginRequest,
  type OriginResponse,
  type OriginServer,
  patternBytes,
  startChaosProxy,
  startOriginServer,
} from '@unshard/testkit'
import { ADDRESS } from '../cell/lookup.js'
import { below, pick, type Random, randomFor } from '../random.js'
import { ID_FIELD } from '../server/handler.js'

/** Outcomes that the client has seen, by `METHOD id`. */
export interface ClientOutcomes {
  /** Requests with the right response. */
  readonly answered: readonly string[]
  /** Requests reported as not processed. */
  readonly unprocessed: readonly string[]
}

export type ToServers =
  | { readonly start: { readonly tls: Credentials; readonly seed: number } }
  | { readonly calm: ClientOutcomes }
  | 'end'
export type FromServers =
  | { readonly ports: readonly number[]; readonly address: string }
  /**
   * All clients are idle: contradictions between the client's outcomes and the deliveries, and the
   * number of deliveries.
   */
  | { readonly calm: { readonly problems: readonly string[]; readonly deliveries: number } }

/** Field that selects what the server does with a request. */
export const DO_FIELD = 'x-do'
const REFUSED_STREAM = 7
const MAX_STREAM_ID = 0x7fff_ffff
/** Delay between two misbehaviors, in milliseconds. */
const PAUSE_MS = 60

const tell = (message: FromServers): void => void process.send!(message)
const deliveries = new Map<string, number>()
let all = 0

/** Last stream named in GOAWAY, per session. */
const lastStreams = new WeakMap<ServerHttp2Session, number>()

/**
 * node:http2 still accepts streams that arrive between `goaway()` and the frame: they were declared
 * unprocessed, so they must not be processed.
 */
function isDisowned({ stream }: OriginResponse): boolean {
  const session = stream?.session as ServerHttp2Session | undefined
  return stream !== undefined && session !== undefined && (stream.id ?? 0) > (lastStreams.get(session) ?? MAX_STREAM_ID)
}

/** Records the last stream before GOAWAY is sent. */
function nameLast(session: ServerHttp2Session): void {
  lastStreams.set(session, session.state.lastProcStreamID ?? 0)
}

function handle(request: OriginRequest, response: OriginResponse): void {
  const id = String(request.headers[ID_FIELD])
  const [act, argument = '0'] = String(request.headers[DO_FIELD]).split(':')
  for (const each of [request, response]) each.on('error', () => undefined)
  const key = `${request.method} ${id}`
  if (isDisowned(response)) return
  // A refused request was not processed and must be declared so.
  if (act === 'reset' && Number(argument) === REFUSED_STREAM && response.stream !== undefined) {
    response.stream.close(REFUSED_STREAM)
    return
  }
  all++
  deliveries.set(key, (deliveries.get(key) ?? 0) + 1)
  if (act === 'early') return void response.writeHead(200).end('early')
  if (act === 'reset') {
    if (response.stream === undefined) request.socket.destroy()
    else response.stream.close(Number(argument))
    return
  }
  if (act === 'never') return void request.resume()
  request.resume().once('end', () => {
    if (act === 'slow') setTimeout(() => response.writeHead(200).end('slow'), Number(argument))
    else if (act === 'bytes') response.writeHead(200).end(patternBytes(Number(argument)))
    else response.writeHead(200).end('fast')
  })
}

/** A server that is restarted on its port, losing its connections as in a real restart. */
class Restarted {
  readonly #options: Parameters<typeof startOriginServer>[0]
  server: OriginServer | undefined

  constructor(options: Parameters<typeof startOriginServer>[0]) {
    this.#options = options
  }

  async start(port: number): Promise<number> {
    this.server = await startOriginServer({ ...this.#options, port, address: ADDRESS })
    return this.server.port
  }

  async restart(): Promise<void> {
    const { server } = this
    if (server === undefined) return
    this.server = undefined
    await server.close()
    await this.start(server.port)
  }
}

const servers: Restarted[] = []
let proxy: ChaosProxy | undefined

function misdeed(random: Random): void {
  const [server] = servers
  const sessions = [...(server?.server?.sessions ?? [])].filter(({ destroyed, closed }) => !destroyed && !closed)
  const session = sessions.length === 0 ? undefined : pick(random, sessions)
  const acts: (() => unknown)[] = [
    () => session && graceful(session),
    () => session && goaway(session, pick(random, [0, 2, 11])),
    () => session?.destroy(undefined, 2),
    () => session && room(session, 1 + below(random, 100)),
    () => session && room(session, 0),
    () => proxy?.reset(),
    () => proxy?.halfClose(),
    () => proxy?.set('both', { latencyMs: below(random, 15), jitterMs: 5 }),
    () => (random() < 0.2 ? pick(random, servers).restart() : undefined),
  ]
  pick(random, acts)()
}

/** Shuts down in two steps (RFC 9113 §6.8). */
function graceful(session: ServerHttp2Session): void {
  session.goaway(0, MAX_STREAM_ID)
  setImmediate(() => {
    if (session.destroyed) return
    nameLast(session)
    session.close()
  })
}

function goaway(session: ServerHttp2Session, errorCode: number): void {
  nameLast(session)
  session.goaway(errorCode, 0)
}

/** Sets the stream limit; zero is only allowed for a moment. */
function room(session: ServerHttp2Session, maxConcurrentStreams: number): void {
  if (session.destroyed || session.closed) return
  session.settings({ maxConcurrentStreams })
  if (maxConcurrentStreams === 0) setTimeout(() => room(session, 50), PAUSE_MS)
}

async function start(tls: Credentials, seed: number): Promise<void> {
  const random = randomFor(seed, 'servers')
  for (const protocols of [['h2'], ['h2'], ['http/1.1']] as const) {
    servers.push(new Restarted({ tls, handler: handle, protocols, settings: { maxConcurrentStreams: 100 } }))
  }
  const ports: number[] = []
  for (const each of servers) ports.push(await each.start(0))
  proxy = await startChaosProxy(ports[1]!, { random, address: ADDRESS, targetAddress: ADDRESS })
  tell({ ports: [ports[0]!, proxy.port, ports[2]!], address: ADDRESS })
  const next = (): void => {
    misdeed(random)
    timer = setTimeout(next, PAUSE_MS * 2 * random())
  }
  next()
}

let timer: NodeJS.Timeout | undefined

/** Checks the deliveries since the last call and clears them. */
function calm({ answered, unprocessed }: ClientOutcomes): void {
  const problems: string[] = []
  for (const [key, count] of deliveries) {
    if (count > (key.startsWith('POST') ? 1 : 3)) problems.push(`${key} was delivered ${count} times`)
  }
  for (const key of answered) if (!deliveries.has(key)) problems.push(`${key} was answered but never delivered`)
  for (const key of unprocessed) if (deliveries.has(key)) problems.push(`${key} was delivered, but "processed" is "no"`)
  deliveries.clear()
  tell({ calm: { problems, deliveries: all } })
}

process.on('message', (message: ToServers) => {
  if (message === 'end') process.exit()
  else if ('calm' in message) calm(message.calm)
  else void start(message.start.tls, message.start.seed)
})
process.once('disconnect', () => {
  clearTimeout(timer)
  process.exit()
})
