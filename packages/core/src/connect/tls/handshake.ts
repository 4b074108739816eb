/**
 * Waits for one TLS handshake: success, failure or abort. Verification of the result is left to the
 * owner.
 */

import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Carrier } from '../../transport/route.js'
import type { SocketReads } from '../tcp/socket-reads.js'

/** The callbacks that produce the result of a handshake. */
export interface HandshakeOutcome<Secured> {
  /** Inspects the socket after the handshake. If it throws, the connection ends. */
  secured(): Secured
  /** Wraps the error of a failed handshake. */
  failure(cause: Error): Error
}

/** A handshake that has started, or will start once its socket is connected. */
export class Handshake<Secured> {
  readonly socket: TLSSocket
  /** The shared-buffer reads of the socket, if it uses them. */
  readonly reads: SocketReads | undefined
  readonly #carrier: Duplex | undefined
  readonly #outcome: HandshakeOutcome<Secured>

  /** @param carrier the stream under `socket`, if any. */
  constructor(socket: TLSSocket, outcome: HandshakeOutcome<Secured>, carrier?: Duplex, reads?: SocketReads) {
    this.socket = socket
    this.reads = reads
    this.#outcome = outcome
    this.#carrier = carrier
    // An error while the socket changes owners must not crash the process.
    socket.on('error', () => undefined)
  }

  /**
   * Waits for the handshake. On failure or abort the socket is destroyed, and the promise rejects.
   */
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
      // Node reports a tunnel error as a clean end, so listen on the carrier as well.
      carrier?.once('error', onError)
      socket.once('close', onClose)
      // Both may have happened before the listeners were added.
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
 * Forwards `ref` and `unref` of a TLS socket to its tunnel, which has no handle, and errors of the
 * tunnel to the socket: Node reports those as a clean end.
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
