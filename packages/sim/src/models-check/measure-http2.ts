/** Measures a real server over HTTP/2, in the words of an {@link Http2Model}. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Frame, frames, goawayOf, hasFlag, numberOf, settingsOf } from '@unshard/testkit'
import type { Http2Model, ServerModel } from '../server/model.js'
import { RawHttp2 } from './raw-http2.js'
import { HOST, OTHER, type RealServer, SHORT, UPLOAD } from './real-server.js'

const DEFAULT_WINDOW = 65_535
const UNLIMITED = 4_294_967_295
const UPLOAD_BYTES = 200_000
const FRAME_BYTES = 10_000
/** A window from which this is given at once has no limit. */
const UNLIMITED_BYTES = 0x3fff_ffff
const PINGS = 20
const WINDOW_UPDATES = 200
/** Requests that are made at once where requests are counted. */
const BATCH = 50
const CANCEL = 8

/** SETTINGS, as they are announced. */
export async function announced({ port }: RealServer): Promise<{ maxConcurrentStreams: number; streamWindowBytes: number }> {
  const connection = await RawHttp2.connect(port, HOST)
  const settings: ReturnType<typeof settingsOf> = {}
  for (const frame of connection.received) {
    if (frame.typeName === 'SETTINGS' && !hasFlag(frame, 'ACK')) Object.assign(settings, settingsOf(frame))
  }
  connection.destroy()
  return {
    maxConcurrentStreams: settings.maxConcurrentStreams ?? UNLIMITED,
    streamWindowBytes: settings.initialWindowSize ?? DEFAULT_WINDOW,
  }
}

export interface MeasuredCredit {
  readonly credit: Http2Model['credit'] | 'none'
  /** The largest WINDOW_UPDATE of a stream. */
  readonly largestBytes: number
  readonly connectionWindowBytes: number
  /** Whether the window of the connection has its size only with the first DATA. */
  readonly opensWithData: boolean
}

/** When content is acknowledged, and the window of the connection. */
export async function creditOf({ port }: RealServer): Promise<MeasuredCredit> {
  const connection = await RawHttp2.connect(port, HOST)
  const early = incrementsOf(connection.received, 0).reduce((sum, each) => sum + each, DEFAULT_WINDOW)
  connection.connectionWindow = early
  const before = connection.received.length
  const { stream, sentAll } = await connection.upload(UPLOAD, UPLOAD_BYTES, FRAME_BYTES)
  const during = connection.received.slice(before)
  connection.destroy()
  const [first = 0] = incrementsOf(during, 0)
  const increments = incrementsOf(during, stream)
  const opensWithData = first > early
  return {
    credit: sentAll ? styleOf(increments, connection.streamWindow) : 'none',
    largestBytes: Math.max(0, ...increments),
    connectionWindowBytes: opensWithData ? early + first - FRAME_BYTES : early,
    opensWithData,
  }
}

function incrementsOf(received: readonly Frame[], stream: number): number[] {
  return received.filter(({ typeName, streamId }) => typeName === 'WINDOW_UPDATE' && streamId === stream).map(numberOf)
}

function styleOf(increments: readonly number[], streamWindow: number): Http2Model['credit'] | 'none' {
  if (increments.length === 0) return streamWindow > 2 * UPLOAD_BYTES ? 'half' : 'none'
  if (increments[0]! > UNLIMITED_BYTES) return 'unlimited'
  const mean = increments.reduce((sum, each) => sum + each, 0) / increments.length
  if (mean >= streamWindow / 3) return 'half'
  return increments.filter((each) => each === FRAME_BYTES).length >= increments.length / 2 ? 'at-once' : 'per-read'
}

/** Status for a host that the server does not have. */
export async function unknownHost({ port }: RealServer): Promise<ServerModel['unknownHost'] | string> {
  const connection = await RawHttp2.connect(port, HOST)
  const status = await connection.get(SHORT, OTHER)
  connection.destroy()
  if (status === 200) return 'serve'
  return status === 404 || status === 421 ? status : String(status)
}

/** Whether many PINGs are answered, without HEADERS or DATA in between. */
export async function allowsPings({ port }: RealServer): Promise<boolean> {
  const connection = await RawHttp2.connect(port, HOST)
  await connection.get(SHORT)
  const answers = (): Frame[] => connection.received.filter((frame) => frame.typeName === 'PING' && hasFlag(frame, 'ACK'))
  for (let ping = 0; ping < PINGS && !connection.closed; ping++) {
    connection.write(frames.ping())
    await pause(20)
  }
  await connection.until(() => answers().length === PINGS || connection.closed, 2_000)
  connection.destroy()
  return answers().length === PINGS
}

/** Whether many small WINDOW_UPDATEs are accepted, without DATA in between. */
export async function allowsWindowUpdates({ port }: RealServer): Promise<boolean> {
  const connection = await RawHttp2.connect(port, HOST)
  for (let sent = 0; sent < WINDOW_UPDATES && !connection.closed; sent++) {
    connection.write(frames.windowUpdate(0, 1))
    if (sent % 10 === 0) await pause(5)
  }
  const status = await connection.get(SHORT)
  connection.destroy()
  return status === 200
}

/**
 * Number of requests that were reset by the client when the server ended the connection; `most` if it
 * did not. The server is not answering them: Apache 2.4.71 ends a connection whose client resets a
 * stream just when its response is sent (error -902, "The user callback function failed").
 */
export async function allowedResets({ port }: RealServer, most: number): Promise<number> {
  const connection = await RawHttp2.connect(port, HOST)
  let count = 0
  for (; count < most && !connection.isEnding; count++) {
    const stream = connection.open('POST', UPLOAD, HOST, false)
    connection.write(frames.rstStream(stream, CANCEL))
    // Quickly: servers that count them forget some each second.
    if (count % 25 === 0) await pause(2)
  }
  await connection.until(() => connection.isEnding, 500)
  const ended = connection.isEnding
  connection.destroy()
  return ended ? Math.min(count, lastRequest(connection)) : most
}

/** Number of requests after which a connection ends. */
export async function maxRequests({ port }: RealServer, most: number): Promise<number> {
  const connection = await RawHttp2.connect(port, HOST)
  for (let count = 0; count < most && !connection.isEnding; count += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, () => connection.get(SHORT)))
  }
  connection.destroy()
  return lastRequest(connection)
}

/** Number of the last request that the server has taken; infinite without GOAWAY. Streams of a client have odd numbers. */
function lastRequest({ received }: RawHttp2): number {
  const goaway = received.find(({ typeName }) => typeName === 'GOAWAY')
  return goaway === undefined ? Number.POSITIVE_INFINITY : (goawayOf(goaway).lastStreamId + 1) / 2
}

/** Time without streams after which a connection ends, in milliseconds. */
export async function idleMs({ port }: RealServer, limitMs: number): Promise<number> {
  const connection = await RawHttp2.connect(port, HOST)
  await connection.get(SHORT)
  const startedAt = Date.now()
  const ended = await connection.until(() => connection.isEnding, limitMs)
  const tookMs = Date.now() - startedAt
  connection.destroy()
  return ended ? tookMs : Number.POSITIVE_INFINITY
}
