/** The code of Connect-ES for each error of the client. */

import { Code, ConnectError as RpcError } from '@connectrpc/connect'
import {
  ConnectError,
  ConnectionError,
  ResponseError,
  StreamError,
  TimeoutError,
  type UnshardCode,
  UnshardError,
  UsageError,
} from '@unshard/core'
import { rpcError } from '../../src/connect/rpc-errors.js'

const reset = (errorCode: number, code: UnshardCode = 'ERR_STREAM_RESET'): StreamError =>
  new StreamError(code, 'the stream was reset', { initiator: 'peer', errorCode })
const lost = (errorCode?: number): ConnectionError =>
  new ConnectionError('ERR_CONNECTION_LOST', 'the connection was closed', { initiator: 'peer', errorCode })

// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors
const codes: [Error, keyof typeof Code][] = [
  [reset(0x0), 'Internal'],
  [reset(0x1), 'Internal'],
  [reset(0x2), 'Internal'],
  [reset(0x5), 'Unknown'],
  [reset(0x7, 'ERR_STREAM_REFUSED'), 'Unavailable'],
  [reset(0x8), 'Canceled'],
  [reset(0xb), 'ResourceExhausted'],
  [reset(0xc), 'PermissionDenied'],
  [reset(0xd, 'ERR_HTTP_1_1_REQUIRED'), 'PermissionDenied'],
  [reset(0x99), 'Internal'],
  [lost(), 'Unavailable'],
  [lost(0x0), 'Unavailable'],
  [lost(0xb), 'ResourceExhausted'],
  [new ConnectError('tcp', 'refused'), 'Unavailable'],
  [new ConnectError('tcp', 'forbidden', { code: 'ERR_ADDRESS_FORBIDDEN' }), 'PermissionDenied'],
  [new ConnectError('proxy', 'no credentials', { code: 'ERR_PROXY_AUTHENTICATION' }), 'PermissionDenied'],
  [new TimeoutError('queue', 1), 'Unavailable'],
  [new TimeoutError('connect', 1), 'Unavailable'],
  [new TimeoutError('headers', 1), 'DeadlineExceeded'],
  [new TimeoutError('total', 1), 'DeadlineExceeded'],
  [new UsageError('ERR_CLIENT_CLOSED', 'closed'), 'Canceled'],
  [new UsageError('ERR_INVALID_URL', 'invalid'), 'Internal'],
  [new ResponseError('ERR_MALFORMED_RESPONSE', 'malformed'), 'Internal'],
  [new ResponseError('ERR_RESPONSE_TOO_LARGE', 'too large'), 'ResourceExhausted'],
  [new UnshardError('ERR_OF_ANOTHER_VERSION', 'unknown'), 'Internal'],
  [new RangeError('not ours'), 'Internal'],
]

it.each(codes)('%s is %s, and the cause', (error, code) => {
  const made = rpcError(error, undefined)
  expect(made).toBeInstanceOf(RpcError)
  expect([Code[made.code], made.rawMessage, made.cause]).toEqual([code, error.message, error])
})

it('an error of Connect-ES stays, also as the cause of a failed source', () => {
  const error = new RpcError('too large', Code.ResourceExhausted)
  expect(rpcError(error, undefined)).toBe(error)
  const failed = new StreamError('ERR_REQUEST_BODY', 'the source failed', { initiator: 'local', cause: error })
  expect(rpcError(failed, undefined)).toBe(error)
})

it('the reason of an aborted signal is the error', () => {
  const error = new RpcError('enough', Code.OutOfRange)
  expect(rpcError(lost(), AbortSignal.abort(error))).toBe(error)
  expect(rpcError(lost(), AbortSignal.abort('why not')).code).toBe(Code.Canceled)
})
