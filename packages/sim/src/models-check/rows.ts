/** Compares one model with its real program. */

import type { Credentials } from '@unshard/testkit'
import type { Http1Model, Http2Model, ServerModel } from '../server/model.js'
import * as http1 from './measure-http1.js'
import * as http2 from './measure-http2.js'
import { LATE_STREAMS, shutdownOf } from './measure-shutdown.js'
import type { Program, Start } from './programs.js'
import type { RealServer } from './real-server.js'

/** A timer of a server may be late, and its clock coarse. */
const IDLE_TOLERANCE_MS = 1_500
const LINGER_TOLERANCE_MS = 400
/** A server that counts resets forgets some of them over time. */
const RESET_TOLERANCE = 150
/** Requests, and resets, above which a server is taken to have no limit. */
const MOST_REQUESTS = 1_100
const MOST_RESETS = 1_500

interface IdleMs {
  readonly idleMs?: number
}

/** One stated property. */
export interface Row {
  readonly server: string
  readonly property: string
  readonly model: unknown
  readonly real: unknown
}

export interface RowOptions {
  /** Idle times up to this are waited for, in milliseconds. */
  readonly longestIdleMs: number
  /** A socket that is held for longer is held until the client ends the connection. */
  readonly longestLingerMs: number
}

/** A program that runs, and what to do with what is measured. */
interface Bench {
  readonly model: ServerModel
  readonly server: RealServer
  /** Starts the program in another way for one measurement; without one, takes the program that runs. */
  on(start: Start | undefined, act: (server: RealServer) => Promise<void>): Promise<void>
  add(property: string, model: unknown, real: unknown): void
}

/** Measures a program. Returns nothing if it is not installed. */
export async function rowsOf(model: ServerModel, program: Program, tls: Credentials, options: RowOptions): Promise<Row[]> {
  const rows: Row[] = []
  const during = async (start: Start, act: (server: RealServer) => Promise<void>): Promise<void> => {
    const server = await start(tls)
    if (server === undefined) return
    await act(server).finally(() => server.stop())
  }
  await during(program.start, async (server) => {
    const bench: Bench = {
      model,
      server,
      on: (start, act) => (start === undefined ? act(server) : during(start, act)),
      add: (property, stated, real) => void rows.push({ server: model.name, property, model: stated, real }),
    }
    const { h1, h2 } = model
    // Idle times are measured beside the rest; the shutdown is the last.
    const idle = idleRows(bench, program, options)
    if (h1 !== undefined) await http1Rows(bench, program, h1)
    if (h2 !== undefined) await http2Rows(bench, program, h2)
    await idle
    if (h2 !== undefined) await shutdownRows(bench, h2, options)
  })
  return rows
}

/** Idle times; for longer ones than are waited for, that the connection stays. */
async function idleRows(
  { model: { h1, h2 }, server, on, add }: Bench,
  { http1: start }: Program,
  { longestIdleMs }: RowOptions,
): Promise<void> {
  const compare = async (name: string, stated: IdleMs, measure: (limitMs: number) => Promise<number>): Promise<void> => {
    const { idleMs = Number.POSITIVE_INFINITY } = stated
    const long = `over ${longestIdleMs}`
    const limitMs = Math.min(idleMs + 2 * IDLE_TOLERANCE_MS, longestIdleMs)
    const measured = near(idleMs, await measure(limitMs), IDLE_TOLERANCE_MS)
    add(`${name} idle, ms`, idleMs > longestIdleMs ? long : idleMs, measured === Number.POSITIVE_INFINITY ? long : measured)
  }
  await Promise.all([
    h2 && compare('h2', h2, (limitMs) => http2.idleMs(server, limitMs)),
    h1 && on(start, (other) => compare('h1', h1, (limitMs) => http1.idleMs(other, limitMs))),
  ])
}

async function http1Rows({ on, add }: Bench, { http1: start, limited = start }: Program, h1: Http1Model): Promise<void> {
  const { announces = false, chunks = true, maxRequests } = h1
  await on(start, async (server) => {
    const framing = await http1.framingOf(server)
    add('h1 announces its idle time', announces, framing.announces)
    add('h1 chunks', chunks, framing.chunks)
  })
  await on(limited, async (server) => {
    add('h1 requests', limitOf(maxRequests), limitOf(await http1.maxRequests(server, MOST_REQUESTS)))
  })
}

async function http2Rows({ model, server, on, add }: Bench, { limited, strict }: Program, h2: Http2Model): Promise<void> {
  const { maxResets = MOST_RESETS } = h2
  const settings = await http2.announced(server)
  add('maximum of streams', h2.maxConcurrentStreams, settings.maxConcurrentStreams)
  add('stream window', h2.streamWindowBytes, settings.streamWindowBytes)
  const credit = await http2.creditOf(server)
  add('connection window', h2.connectionWindowBytes, credit.connectionWindowBytes)
  add('connection window opens with DATA', h2.opensWithData ?? false, credit.opensWithData)
  add('credit', h2.credit, credit.credit)
  if (h2.credit === 'per-read') add('credit of one read', h2.readBytes, credit.largestBytes)
  add('allows PINGs', h2.pingIntervalMs === undefined, await http2.allowsPings(server))
  add('allows WINDOW_UPDATEs', h2.maxWindowUpdates === undefined, await http2.allowsWindowUpdates(server))
  add('resets', maxResets, near(maxResets, await http2.allowedResets(server, MOST_RESETS), RESET_TOLERANCE))
  await on(strict, async (other) => add('unknown host', model.unknownHost, await http2.unknownHost(other)))
  await on(limited, async (other) => {
    add('h2 requests', limitOf(h2.maxRequests), limitOf(await http2.maxRequests(other, MOST_REQUESTS)))
  })
}

async function shutdownRows({ model, server, add }: Bench, h2: Http2Model, { longestLingerMs }: RowOptions): Promise<void> {
  const { style, noticeMs, lateStream, lingerMs } = await shutdownOf(server, longestLingerMs)
  add('shutdown', h2.shutdown, style)
  const { noticeMs: stated = 1_000 } = h2
  if (h2.shutdown === 'twice') add('between GOAWAYs, ms', stated, near(stated, noticeMs, LINGER_TOLERANCE_MS))
  add('stream after GOAWAY', LATE_STREAMS[h2.shutdown], lateStream)
  if (lingerMs !== undefined) add('lingers, ms', model.lingerMs, near(model.lingerMs, lingerMs, LINGER_TOLERANCE_MS))
}

function limitOf(most: number | undefined): number | 'unlimited' {
  return most === undefined || most === Number.POSITIVE_INFINITY ? 'unlimited' : most
}

/** The stated number, if the measured one is near it. */
function near(stated: number, measured: number, tolerance: number): number {
  return Math.abs(measured - stated) <= tolerance ? stated : measured
}
