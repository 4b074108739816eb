/** Compares one model with its real program. */

import type { Credentials } from '@unshard/testkit'
import type { Http1Model, Http2Model, ServerModel } from '../server/model.js'
import * as http1 from './measure-http1.js'
import * as http2 from './measure-http2.js'
import type { Program, Start } from './programs.js'
import type { RealServer } from './real-server.js'

/** A timer of a server may be late, and its clock coarse. */
const IDLE_TOLERANCE_MS = 1_500
const LINGER_TOLERANCE_MS = 400
/** A server that counts resets forgets some of them meanwhile. */
const RESET_TOLERANCE = 100
/** Requests, and resets, above which a server is taken to have no limit. */
const MOST_REQUESTS = 1_100
const MOST_RESETS = 1_500

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
}

type Add = (property: string, model: unknown, real: unknown) => void

/** Measures a program. Returns nothing if it is not installed. */
export async function rowsOf(model: ServerModel, program: Program, tls: Credentials, options: RowOptions): Promise<Row[]> {
  const rows: Row[] = []
  const add: Add = (property, stated, real) => void rows.push({ server: model.name, property, model: stated, real })
  const { start, limited = start, strict = start, http1: startHttp1 = start } = program
  const { h2, h1, unknownHost } = model
  if (h2 !== undefined) {
    await during(limited, tls, async (server) => {
      add('h2 requests', limitOf(h2.maxRequests), limitOf(await http2.maxRequests(server, MOST_REQUESTS)))
    })
    await during(strict, tls, async (server) => add('unknown host', unknownHost, await http2.unknownHost(server)))
    await during(start, tls, (server) => http2Rows(server, model, h2, options, add))
  }
  if (h1 !== undefined) {
    const startLimited = limited === start ? startHttp1 : limited
    await during(startLimited, tls, async (server) => {
      add('h1 requests', limitOf(h1.maxRequests), limitOf(await http1.maxRequests(server, MOST_REQUESTS)))
    })
    await during(startHttp1, tls, (server) => http1Rows(server, h1, options, add))
  }
  return rows
}

/** Runs a program for some measurements. */
async function during(start: Start, tls: Credentials, act: (server: RealServer) => Promise<void>): Promise<void> {
  const server = await start(tls)
  if (server === undefined) return
  try {
    await act(server)
  } finally {
    await server.stop()
  }
}

async function http2Rows(
  server: RealServer,
  { lingerMs }: ServerModel,
  h2: Http2Model,
  { longestIdleMs }: RowOptions,
  add: Add,
): Promise<void> {
  const { idleMs = Number.POSITIVE_INFINITY, maxResets = MOST_RESETS } = h2
  const waits = idleMs <= longestIdleMs
  const idle = waits ? http2.idleMs(server, idleMs + 2 * IDLE_TOLERANCE_MS) : undefined
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
  if (idle !== undefined) add('h2 idle, ms', idleMs, near(idleMs, await idle, IDLE_TOLERANCE_MS))
  const shutdown = await http2.shutdownOf(server)
  add('shutdown', h2.shutdown, shutdown.style)
  if (shutdown.lingerMs !== undefined) add('lingers, ms', lingerMs, near(lingerMs, shutdown.lingerMs, LINGER_TOLERANCE_MS))
}

async function http1Rows(server: RealServer, h1: Http1Model, { longestIdleMs }: RowOptions, add: Add): Promise<void> {
  const { announces = false, chunks = true, idleMs } = h1
  const framing = await http1.framingOf(server)
  add('h1 announces its idle time', announces, framing.announces)
  add('h1 chunks', chunks, framing.chunks)
  if (idleMs > longestIdleMs) return
  add('h1 idle, ms', idleMs, near(idleMs, await http1.idleMs(server, idleMs + 2 * IDLE_TOLERANCE_MS), IDLE_TOLERANCE_MS))
}

function limitOf(most: number | undefined): number | 'unlimited' {
  return most === undefined || most === Number.POSITIVE_INFINITY ? 'unlimited' : most
}

/** The stated number, if the measured one is near it. */
function near(stated: number, measured: number, tolerance: number): number {
  return Math.abs(measured - stated) <= tolerance ? stated : measured
}
