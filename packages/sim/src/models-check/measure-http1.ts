/** Measures a real server over HTTP/1.1, in the words of an {@link Http1Model}. */

import { RawHttp1 } from './raw-http1.js'
import { HOST, type RealServer, SHORT, STREAMED } from './real-server.js'

export interface MeasuredHttp1 {
  /** Whether the idle time is announced. */
  readonly announces: boolean
  /** Whether content of unknown length is chunked. */
  readonly chunks: boolean
}

/** Announcement and framing. The client asks for keep-alive, as ours does. */
export async function framingOf({ port }: RealServer): Promise<MeasuredHttp1> {
  const connection = await RawHttp1.connect(port, HOST)
  const head = await connection.get(STREAMED)
  connection.destroy()
  return { announces: /^keep-alive:.*timeout=/m.test(head), chunks: /^transfer-encoding: chunked$/m.test(head) }
}

/** Number of requests after which a connection ends. */
export async function maxRequests({ port }: RealServer, most: number): Promise<number> {
  const connection = await RawHttp1.connect(port, HOST)
  const count = await connection.repeat(SHORT, most)
  connection.destroy()
  return count < most ? count : Number.POSITIVE_INFINITY
}

/** Time without requests after which a connection ends, in milliseconds. */
export async function idleMs({ port }: RealServer, limitMs: number): Promise<number> {
  const connection = await RawHttp1.connect(port, HOST)
  await connection.get(SHORT)
  const startedAt = Date.now()
  const closedAt = await connection.end(limitMs)
  connection.destroy()
  return closedAt === undefined ? Number.POSITIVE_INFINITY : closedAt - startedAt
}
