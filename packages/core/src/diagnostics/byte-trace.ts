/**
 * Publishes the bytes of a connection, as its engine reads and writes them. Wraps the socket of a
 * new connection only while the channel has a subscriber, so that other connections pay nothing.
 */

import type { Carrier } from '../transport/route.js'
import { CHANNELS } from './channels.js'
import type { BytesEvent, ClientEvent } from './events.js'

/** Reads of a socket, as the engines take them. */
interface Reads {
  start(sink: (bytes: Buffer) => void): void
}

/** The traced reads of a connection. */
export interface ByteTrace {
  /** Takes the place of the reads that were passed. */
  readonly reads: Reads
  /** Sets the id of the connection, which is known once its engine was created. */
  connection: number
}

/**
 * Traces the bytes of a connection that is about to be created; `undefined` without subscribers.
 * @param reads how the socket is read; `undefined` if by its stream.
 */
export function traceBytes(
  socket: Carrier,
  reads: Reads | undefined,
  identity: ClientEvent,
  origin: string,
): ByteTrace | undefined {
  if (!CHANNELS.bytes.hasSubscribers) return undefined
  const publish = (direction: BytesEvent['direction'], bytes: Uint8Array): void => {
    CHANNELS.bytes.publish({ ...identity, origin, connection: trace.connection, direction, bytes })
  }
  const source = reads ?? { start: (sink) => socket.on('data', sink) }
  const trace: ByteTrace = {
    connection: 0,
    reads: {
      start: (sink) =>
        source.start((bytes) => {
          publish('received', bytes)
          sink(bytes)
        }),
    },
  }
  const write = socket.write.bind(socket) as (chunk: Uint8Array | string, ...others: unknown[]) => boolean
  socket.write = (chunk: Uint8Array | string, ...others: unknown[]): boolean => {
    publish('sent', typeof chunk === 'string' ? Buffer.from(chunk, others[0] as BufferEncoding) : chunk)
    return write(chunk, ...others)
  }
  return trace
}
