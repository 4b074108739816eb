/** How a real server ends an HTTP/2 connection gracefully. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Frame, goawayOf, hasFlag } from '@unshard/testkit'
import type { ShutdownStyle } from '../server/model.js'
import { isHeld } from './kernel-sockets.js'
import { RawHttp2 } from './raw-http2.js'
import { HOST, type RealServer, SHORT, SLOW, SLOW_MS } from './real-server.js'

const MAX_STREAM_ID = 0x7fff_ffff
/** Longest time from a shutdown until the first GOAWAY: h2o waits for a second. */
const FIRST_MS = 1_500
/** Longest time from the end of the last stream until the end of the connection. */
const END_MS = 3_000

/** The outcome of a stream that the client opens after it was sent GOAWAY. */
export type LateStream = 'served' | 'ignored' | 'ends the connection'

export interface MeasuredShutdown {
  readonly style: ShutdownStyle
  /** Time between the first and the last GOAWAY. */
  readonly noticeMs: number
  readonly lateStream: LateStream
  /** From the last GOAWAY until the program has released its socket; `undefined` if that cannot be seen. */
  readonly lingerMs: number | undefined
}

/** The same in words of a model. */
export const LATE_STREAMS: Readonly<Record<ShutdownStyle, LateStream>> = {
  last: 'ignored',
  open: 'ignored',
  twice: 'served',
  max: 'served',
  notice: 'ends the connection',
  bare: 'ends the connection',
}

/** Shuts a server down while it has a stream, on two connections; on one of them another stream is opened too late. */
export async function shutdownOf(server: RealServer, longestLingerMs: number): Promise<MeasuredShutdown> {
  const connection = await RawHttp2.connect(server.port, HOST)
  const late = await RawHttp2.connect(server.port, HOST)
  const slow = connection.open('GET', SLOW, HOST, true)
  late.open('GET', SLOW, HOST, true)
  await pause(200)
  await server.shutdown()
  const lateStream = await openLate(late)
  await connection.until(() => connection.closed, SLOW_MS + END_MS)
  const { received, goawaysAt } = connection
  const done = received.findIndex((frame) => frame.streamId === slow && hasFlag(frame, 'END_STREAM'))
  const style = styleOf(lastsOf(received), lastsOf(received.slice(0, done)).length, connection.closed)
  const lingerMs = await lingerOf(server, connection, longestLingerMs)
  connection.destroy()
  late.destroy()
  return { style, noticeMs: (goawaysAt.at(-1) ?? 0) - (goawaysAt[0] ?? 0), lateStream, lingerMs }
}

async function openLate(connection: RawHttp2): Promise<LateStream> {
  await connection.until(() => connection.isEnding, FIRST_MS)
  const status = connection.closed ? undefined : await Promise.race([connection.get(SHORT), pause(500)])
  const isFatal = connection.received.some((frame) => frame.typeName === 'GOAWAY' && goawayOf(frame).errorCode !== 0)
  if (connection.closed || isFatal) return 'ends the connection'
  return status === 200 ? 'served' : 'ignored'
}

function lastsOf(received: readonly Frame[]): number[] {
  return received.filter(({ typeName }) => typeName === 'GOAWAY').map((frame) => goawayOf(frame).lastStreamId)
}

/** @param duringStream number of GOAWAY frames that arrived while there was a stream. */
function styleOf(lasts: readonly number[], duringStream: number, isClosed: boolean): ShutdownStyle {
  if (lasts.length === 0) return 'bare'
  if (lasts[0] !== MAX_STREAM_ID) return isClosed ? 'last' : 'open'
  if (lasts.length === 1) return 'max'
  return duringStream === 1 ? 'notice' : 'twice'
}

/** Waits until the program has released the socket of a connection that it has ended. */
async function lingerOf({ port }: RealServer, connection: RawHttp2, longestMs: number): Promise<number | undefined> {
  if (!connection.closed) return undefined
  const { closedAt, lastFrameAt, localPort, received } = connection
  const since = (lastsOf(received).length === 0 ? closedAt : lastFrameAt) ?? 0
  for (; Date.now() < since + longestMs; await pause(20)) {
    const held = isHeld(port, localPort)
    if (held === undefined) return undefined
    if (!held) return Date.now() - since
  }
  return Number.POSITIVE_INFINITY
}
