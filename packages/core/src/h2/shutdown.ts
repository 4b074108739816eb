/** How an HTTP/2 connection ends: what GOAWAY has said, the errors that its requests fail with, and the last of the socket. */

import type { Duplex } from 'node:stream'
import { ConnectionError } from '../errors/errors.js'
import type { SerializedOrigin } from '../message/origin.js'
import type { Clock } from '../runtime/clock.js'
import type { Loss } from '../transport/exchange.js'
import { ErrorCode, errorCodeName, type ProtocolFault } from './protocol/error-code.js'
import type { StreamEnd } from './protocol/stream.js'

/** How long a closing socket may take to send what it has, milliseconds. */
const LINGER_MS = 1_000

/** The end of one connection. */
export class Shutdown {
  readonly #origin: SerializedOrigin
  #goaway: string | undefined
  /** The error code of a GOAWAY that named one. */
  #errorCode: number | undefined
  #culprit: number | undefined

  constructor(origin: SerializedOrigin) {
    this.#origin = origin
  }

  /** Whether a stream ended because the peer closes the connection after a GOAWAY with an error: its reset says nothing about the request. */
  explains({ initiator, errorCode, unprocessed }: StreamEnd): boolean {
    const isClosing = errorCode === ErrorCode.NO_ERROR || errorCode === ErrorCode.CANCEL || errorCode === ErrorCode.INTERNAL_ERROR
    return this.#errorCode !== undefined && initiator === 'peer' && !unprocessed && isClosing
  }

  /** The stream that a GOAWAY with an error named as its last one (RFC 9113 §6.8) while it was open: it has caused the error. */
  get culprit(): number | undefined {
    return this.#culprit
  }

  /** The peer has sent GOAWAY (RFC 9113 §6.8). @param isOpen whether the stream that it names is open. */
  noteGoaway(lastStreamId: number, errorCode: number, debug: string, isOpen: boolean): void {
    this.#goaway = `GOAWAY ${errorCodeName(errorCode)}, last stream ${lastStreamId}${debug === '' ? '' : `, ${JSON.stringify(debug)}`}`
    if (errorCode === ErrorCode.NO_ERROR) return
    this.#errorCode = errorCode
    if (isOpen) this.#culprit = lastStreamId
  }

  /** The connection was closed by one of its ends. */
  closedError(initiator: 'local' | 'peer', cause?: Error): ConnectionError {
    const why = this.#goaway === undefined ? '' : ` after ${this.#goaway}`
    const what = cause === undefined ? `the connection was closed${why}` : `the connection failed${why}: ${cause.message}`
    return new ConnectionError('ERR_CONNECTION_LOST', `${what} (${this.#origin})`, {
      origin: this.#origin,
      initiator,
      errorCode: this.#errorCode,
      cause,
    })
  }

  /** The peer has broken the protocol. */
  faultError({ errorCode, message }: ProtocolFault): ConnectionError {
    return new ConnectionError('ERR_PROTOCOL', `${errorCodeName(errorCode)}: ${message} (${this.#origin})`, {
      origin: this.#origin,
      initiator: 'local',
      errorCode,
    })
  }
}

/**
 * Closes a socket once what was written to it is sent. With `linger` it goes on reading until the peer closes: closing on bytes that were
 * not read makes the kernel drop what it has not sent, GOAWAY above all. A peer that does not read, or does not close, keeps neither.
 */
export function closeSocket(socket: Duplex, clock: Clock, linger: boolean): void {
  if (linger) socket.end()
  else socket.end(() => socket.destroy())
  const timer = clock.startTimer(LINGER_MS, () => socket.destroy())
  timer.unref()
  socket.once('close', () => timer.cancel())
}

/** The part of one request in the loss of its connection. @param shared whether there were others. */
export function lossOf(streamId: number, culprit: number | undefined, shared: boolean): Loss {
  if (culprit === undefined) return shared ? 'shared' : 'alone'
  return streamId === culprit ? 'culprit' : 'neighbor'
}
