/** What a real server does, in the words of a {@link ServerModel}. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Frame, frames, goawayOf, hasFlag, numberOf, settingsOf } from '@unshard/testkit'
import type { Http2Model, ShutdownStyle } from '../server/model.js'
import { RawHttp1 } from './raw-http1.js'
import { RawHttp2 } from './raw-http2.js'

const DEFAULT_WINDOW = 65_535
const UNLIMITED = 4_294_967_295
const MAX_STREAM_ID = 0x7fff_ffff
const UPLOAD_BYTES = 200_000
const FRAME_BYTES = 10_000
const PINGS = 20

/** A server that listens on 127.0.0.1. */
export interface RealServer {
  readonly port: number
  /** Ends connections gracefully: reload, shutdown or SIGTERM. */
  shutdown?(): Promise<void>
  stop(): Promise<void>
}

/** SETTINGS and the window of the connection, as they are announced. */
export async function announced({ port }: RealServer, host: string): Promise<Record<string, number>> {
  const connection = await RawHttp2.connect(port, host)
  const settings: ReturnType<typeof settingsOf> = {}
  for (const frame of connection.received) {
    if (frame.typeName === 'SETTINGS' && !hasFlag(frame, 'ACK')) Object.assign(settings, settingsOf(frame))
  }
  const updates = connection.received.filter(({ typeName, streamId }) => typeName === 'WINDOW_UPDATE' && streamId === 0)
  connection.destroy()
  return {
    maxConcurrentStreams: settings.maxConcurrentStreams ?? UNLIMITED,
    streamWindowBytes: settings.initialWindowSize ?? DEFAULT_WINDOW,
    connectionWindowBytes: updates.reduce((sum, frame) => sum + numberOf(frame), DEFAULT_WINDOW),
  }
}

/** When content is acknowledged on a stream and on the connection. */
export async function creditOf({ port }: RealServer, host: string, path: string): Promise<Http2Model['credit'] | 'none'> {
  const connection = await RawHttp2.connect(port, host)
  for (const frame of connection.received) {
    if (frame.typeName === 'WINDOW_UPDATE' && frame.streamId === 0) connection.connectionWindow += numberOf(frame)
  }
  const before = connection.received.length
  await connection.upload(path, UPLOAD_BYTES, FRAME_BYTES)
  const updates = connection.received.slice(before).filter(({ typeName }) => typeName === 'WINDOW_UPDATE')
  connection.destroy()
  const increments = updates.map(numberOf)
  if (increments.length === 0) return connection.connectionWindow > 2 * UPLOAD_BYTES ? 'half' : 'none'
  return styleOf(increments, connection)
}

function styleOf(increments: readonly number[], { streamWindow, connectionWindow }: RawHttp2): Http2Model['credit'] {
  const least = Math.min(streamWindow, connectionWindow)
  const mean = increments.reduce((sum, each) => sum + each, 0) / increments.length
  if (mean >= least / 3) return 'half'
  return increments.filter((each) => each === FRAME_BYTES).length >= increments.length / 2 ? 'at-once' : 'per-read'
}

/** Status for a host that the server does not have. */
export async function unknownHost({ port }: RealServer, host: string, other: string): Promise<404 | 421 | 'serve' | string> {
  const connection = await RawHttp2.connect(port, host)
  const status = await connection.get('/small.txt', other)
  connection.destroy()
  if (status === 200) return 'serve'
  return status === 404 || status === 421 ? status : String(status)
}

/** Whether many PINGs are answered, without HEADERS or DATA in between. */
export async function allowsPings({ port }: RealServer, host: string): Promise<boolean> {
  const connection = await RawHttp2.connect(port, host)
  await connection.get('/small.txt')
  const answers = (): Frame[] => connection.received.filter((frame) => frame.typeName === 'PING' && hasFlag(frame, 'ACK'))
  for (let ping = 0; ping < PINGS && !connection.closed; ping++) {
    connection.write(frames.ping())
    await pause(20)
  }
  await connection.until(() => answers().length === PINGS || connection.closed, 2_000)
  connection.destroy()
  return answers().length === PINGS
}

/** How connections end. */
export async function shutdownStyle(server: RealServer, host: string): Promise<ShutdownStyle> {
  const connection = await RawHttp2.connect(server.port, host)
  await connection.get('/small.txt')
  const before = connection.received.length
  await server.shutdown!()
  await connection.until(() => connection.closed, 4_000)
  const goaways = connection.received.slice(before).filter(({ typeName }) => typeName === 'GOAWAY')
  const isClosed = connection.closed
  connection.destroy()
  const lasts = goaways.map((frame) => goawayOf(frame).lastStreamId)
  if (lasts.length === 0) return 'bare'
  const begins = lasts[0] === MAX_STREAM_ID
  if (begins && lasts.length > 1) return 'twice'
  if (begins) return 'max'
  return isClosed ? 'last' : 'open'
}

/** Number of requests after which a connection ends. */
export async function maxRequests({ port }: RealServer, host: string, most: number): Promise<number> {
  const connection = await RawHttp2.connect(port, host)
  let count = 0
  const isOver = (): boolean => connection.closed || connection.received.some(({ typeName }) => typeName === 'GOAWAY')
  while (!isOver() && count < most) {
    await connection.get('/small.txt')
    count++
  }
  await connection.until(isOver, 500)
  const ended = isOver()
  connection.destroy()
  return ended ? count : Number.POSITIVE_INFINITY
}

/** Time without streams after which a connection ends, in seconds. */
export async function idleSeconds({ port }: RealServer, host: string): Promise<number> {
  const connection = await RawHttp2.connect(port, host)
  await connection.get('/small.txt')
  const startedAt = Date.now()
  await connection.until(() => connection.closed || connection.received.some(({ typeName }) => typeName === 'GOAWAY'), 12_000)
  const took = Date.now() - startedAt
  connection.destroy()
  return Math.round(took / 1_000)
}

/** HTTP/1.1: idle time in seconds, whether it is announced, and how content of unknown length is framed. */
export interface Http1Measured {
  readonly announces: boolean
  readonly chunks: boolean
  readonly idleSeconds: number
}

/** @param path of content whose length is unknown. */
export async function http1Of({ port }: RealServer, host: string, path: string, idleLimitMs: number): Promise<Http1Measured> {
  const connection = await RawHttp1.connect(port, host)
  const head = await connection.get('/small.txt')
  const other = await RawHttp1.connect(port, host)
  const unknown = await other.get(path)
  other.destroy()
  const startedAt = Date.now()
  const closedAt = (await connection.end(idleLimitMs)) ?? Number.POSITIVE_INFINITY
  connection.destroy()
  return {
    announces: /^keep-alive:.*timeout=/m.test(head),
    chunks: /^transfer-encoding: chunked$/m.test(unknown),
    idleSeconds: Math.round((closedAt - startedAt) / 1_000),
  }
}
