/**
 * An HTTP/2 server over TLS without state or limits: its cost is constant even after a million
 * streams.
 */

import type { AddressInfo } from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { type Credentials, type Frame, FrameParser, frames, hasFlag } from '@unshard/testkit'

/** Length of the preface in bytes (RFC 9113 §3.4). */
const PREFACE_BYTES = 24

export interface PlainPeer {
  readonly port: number
  close(): Promise<void>
}

/** Calls `onFrame` for HEADERS, DATA and RST_STREAM; answers SETTINGS and PING itself. */
export async function startPlainPeer(
  credentials: Credentials,
  onFrame: (frame: Frame, socket: TLSSocket, connection: number) => void,
): Promise<PlainPeer> {
  const sockets = new Set<TLSSocket>()
  let connections = 0
  const server = tls.createServer({ ...credentials, ALPNProtocols: ['h2'] }, (socket) => {
    const number = ++connections
    const parser = new FrameParser()
    let missing = PREFACE_BYTES
    sockets.add(socket.setNoDelay(true))
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    socket.write(Buffer.concat([frames.settings({ maxConcurrentStreams: 100 }), frames.settingsAck()]))
    socket.on('data', (bytes: Buffer) => {
      const rest = bytes.subarray(missing)
      missing -= Math.min(missing, bytes.length)
      for (const frame of parser.push(rest)) {
        if (frame.typeName === 'PING' && !hasFlag(frame, 'ACK')) socket.write(frames.ping(frame.payload, true))
        else if (socket.writable) onFrame(frame, socket, number)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
