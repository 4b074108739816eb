/**
 * Our errors as those of Connect-ES: its code, which has the number of the status of gRPC, our message, our error as
 * `cause`.
 */

import { Code, ConnectError as RpcError } from '@connectrpc/connect'
import { UnshardError } from '@unshard/core'
import { statusOfError } from '../grpc/error-status.js'

/**
 * Returns the error that a call rejects with.
 * @param signal the signal of the call: if it is aborted, its reason is the error.
 */
export function rpcError(error: unknown, signal: AbortSignal | undefined): RpcError {
  if (error instanceof RpcError) return error
  if (signal?.aborted === true) return RpcError.from(signal.reason, Code.Canceled)
  if (!(error instanceof UnshardError)) return RpcError.from(error, Code.Internal)
  // The source of the content failed: its error is that of the call, such as a message over `writeMaxBytes`.
  if (error.code === 'ERR_REQUEST_BODY' && error.cause !== undefined) return RpcError.from(error.cause, Code.Internal)
  return new RpcError(error.message, statusOfError(error), undefined, undefined, error)
}
