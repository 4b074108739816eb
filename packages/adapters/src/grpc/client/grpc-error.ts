/** The error of a call that has not succeeded. */

import { type Processed, UnshardError } from '@unshard/core'
import { type Outcome, type StatusName, statusName } from '../status.js'
import { CallMetadata } from './metadata.js'

/** A call ended with a status other than `OK`. */
export class GrpcError extends UnshardError {
  /** The status: see `Status`. */
  readonly status: number
  /** The name of the status, such as `NOT_FOUND`. */
  readonly statusName: StatusName
  /** The message that the server has sent, or what went wrong here. */
  readonly details: string
  readonly #trailers: readonly string[]

  constructor({ code, details, trailers, error }: Outcome, origin: string) {
    const processed: Processed = error instanceof UnshardError ? error.processed : error === undefined ? 'yes' : 'unknown'
    super('ERR_GRPC_STATUS', `${statusName(code)}: ${details}`, { origin, cause: error, processed })
    this.status = code
    this.statusName = statusName(code)
    this.details = details
    this.#trailers = trailers
  }

  /** The trailing metadata. */
  get trailers(): CallMetadata {
    return new CallMetadata(this.#trailers)
  }
}
