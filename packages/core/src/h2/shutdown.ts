/**
 * How an HTTP/2 connection ends: the received GOAWAY, the errors of its requests, and the close of
 * the socket.
 */

import type { Duplex } from 'node:stream'
import { ConnectionError } from '../errors/errors.js'
import type { SerializedOrigin } from '../message/origin.js'
import type { Clock } from '../runtime/clock.js'
import type { Loss } from '../transport/exchange.js'
import { ErrorCode, errorCodeName, type ProtocolFault } from './protocol/error-code.js'
import type { StreamEnd } from './protocol/stream.js'

/** Time in which a closing socket may send its buffered bytes, in milliseconds. */
const LINGER_MS = 1_000

/** Records why one connection ends. */
export class Shutdown {
  readonly #origin: SerializedOrigin
  #goaway: string | undefined
  /** The error code of the GOAWAY, unless it was NO_ERROR. */
  #errorCode: number | undefined
  #culprit: number | undefined

  constructor(origin: SerializedOrigin) {
    this.#origin = origin
  }

  /**
   * Whether the peer reset a stream only because it closes the connection after a GOAWAY with an
   * error.
   */
  explains({ initiator, errorCode, unprocessed }: StreamEnd): boolean {
    const isClosing = errorCode === ErrorCode.NO_ERROR || errorCode === ErrorCode.CANCEL || errorCode === ErrorCode.INTERNAL_ERROR
    return this.#errorCode !== undefined && initiator === 'peer' && !unprocessed && isClosing
  }

  /**
   * The open stream that a GOAWAY with an error named as its last (RFC 9113 §6.8): it caused the
   * error.
   */
  get culprit(): number | undefined {
    return this.#culprit
  }

  /**
   * Records a received GOAWAY (RFC 9113 §6.8).
   * @param isOpen whether the stream it names is open.
   */
  noteGoaway(lastStreamId: number, errorCode: number, debug: string, isOpen: boolean): void {
    this.#goaway = `GOAWAY ${errorCodeName(errorCode)}, last stream ${lastStreamId}${debug === '' ? '' : `, ${JSON.stringify(debug)}`}`
    if (errorCode === ErrorCode.NO_ERROR) return
    this.#errorCode = errorCode
    if (isOpen) this.#culprit = lastStreamId
  }

  /** Creates the error for a connection that either end closed. */
  closedError(initiator: 'local' | 'peer', cause?: Error): ConnectionError {
    const why = this.#goaway === undefined ? '' : ` after ${this.#goaway}`
    const what = cause === undefined ? `the connection was closed${why}` : `the connection failed${why}: ${cause.message}`
    return new ConnectionError('ERR_CONNECTION_LOST', what, {
      origin: this.#origin,
      initiator,
      errorCode: this.#errorCode,
      cause,
    })
  }

  /** Creates the error for a peer that violated the protocol. */
  faultError({ errorCode, message }: ProtocolFault): ConnectionError {
    return new ConnectionError('ERR_PROTOCOL', `${errorCodeName(errorCode)}: ${message}`, {
      origin: this.#origin,
      initiator: 'local',
      errorCode,
    })
  }
}

/**
 * Closes a socket once its buffered bytes are sent. With `linger`, keeps reading until the peer
 * closes: closing a socket with unread bytes makes the kernel drop unsent output, including GOAWAY.
 * Both waits are limited by a timer.
 */
export function closeSocket(socket: Duplex, clock: Clock, linger: boolean): void {
  if (linger) socket.end()
  else socket.end(() => socket.destroy())
  const timer = clock.startTimer(LINGER_MS, () => socket.destroy())
  timer.unref()
  socket.once('close', () => timer.cancel())
}

/**
 * Classifies the loss of a connection for one request.
 * @param shared whether other requests were open.
 */
export function lossOf(streamId: number, culprit: number | undefined, shared: boolean): Loss {
  if (culprit === undefined) return shared ? 'shared' : 'alone'
  return streamId === culprit ? 'culprit' : 'neighbor'
}
