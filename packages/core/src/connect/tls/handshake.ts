/** One TLS handshake, from the moment somebody waits for it: secured, failed, or not wanted any more. What it proves is not decided here. */

import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Carrier } from '../../transport/route.js'
import type { SocketReads } from '../tcp/socket-reads.js'

/** What a handshake leads to. */
export interface HandshakeOutcome<Secured> {
  /** Looks at the socket after the handshake. What it throws ends the connection. */
  secured(): Secured
  /** The error for what went wrong. */
  failure(cause: Error): Error
}

/** A handshake that has begun, or does as soon as its socket is connected. */
export class Handshake<Secured> {
  readonly socket: TLSSocket
  /** How the socket is read, where that was asked for. */
  readonly reads: SocketReads | undefined
  readonly #carrier: Duplex | undefined
  readonly #outcome: HandshakeOutcome<Secured>

  /** @param carrier what `socket` runs on, where that is another one. */
  constructor(socket: TLSSocket, outcome: HandshakeOutcome<Secured>, carrier?: Duplex, reads?: SocketReads) {
    this.socket = socket
    this.reads = reads
    this.#outcome = outcome
    this.#carrier = carrier
    // Between one owner and the next an error must not become an exception of the process.
    socket.on('error', () => undefined)
  }

  /** Waits for its end. Rejects with the failure, or with the reason of `signal`; the socket is destroyed then. */
  finish(signal: AbortSignal): Promise<Secured> {
    const { socket } = this
    const carrier = this.#carrier
    const outcome = this.#outcome
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        signal.removeEventListener('abort', onAbort)
        socket.removeListener('error', onError)
        carrier?.removeListener('error', onError)
        socket.removeListener('close', onClose)
        end()
      }
      const fail = (reason: unknown): void =>
        settle(() => {
          socket.destroy()
          reject(reason)
        })
      const onAbort = (): void => fail(signal.reason)
      const onError = (cause: Error): void => fail(outcome.failure(cause))
      const onClose = (): void => onError(socket.errored ?? new Error('the server closed the connection during the handshake'))
      socket.once('error', onError)
      // Of an error of a tunnel Node makes a plain end.
      carrier?.once('error', onError)
      socket.once('close', onClose)
      // Between the race that was won and now: nobody would tell a second time.
      if (signal.aborted) return onAbort()
      if (socket.destroyed) return onClose()
      signal.addEventListener('abort', onAbort, { once: true })
      socket.once('secureConnect', () => {
        try {
          const secured = outcome.secured()
          settle(() => resolve(secured))
        } catch (error) {
          fail(error)
        }
      })
    })
  }
}

/**
 * Forwards `ref` and `unref` of a TLS socket to the tunnel under it, which has no handle of its own, and errors of the tunnel to the socket:
 * Node reports those as a clean end.
 */
export function carryOn(carrier: Carrier, socket: TLSSocket): void {
  socket.ref = () => {
    carrier.ref()
    return socket
  }
  socket.unref = () => {
    carrier.unref()
    return socket
  }
  carrier.once('error', (error: Error) => socket.destroy(error))
}
