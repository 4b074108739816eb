/** Unary calls: one message each way, and retries of their attempts. */

import type { HttpResponse } from '@unshard/core'
import { fieldList } from '@unshard/core/internal'
import { decompress, encodingOf } from '../compression.js'
import { FrameError, FrameReader } from '../frames.js'
import { isGrpc, notGrpc, type Outcome, outcomeOf, outcomeOfError, outcomeOfFields, Status } from '../status.js'
import type { Call, CallContext } from './call-context.js'
import type { CallRetries } from './call-retries.js'
import type { Method } from './definition.js'
import { GrpcError } from './grpc-error.js'
import { CallMetadata } from './metadata.js'

/** The result of a call with one response. */
export interface GrpcResponse<Response> {
  readonly response: Response
  /** The initial metadata. */
  readonly metadata: CallMetadata
  /** The trailing metadata. */
  readonly trailers: CallMetadata
  readonly status: { readonly code: number; readonly details: string }
}

/** An attempt that has ended. */
interface Attempt {
  readonly outcome: Outcome
  /** The message, if there is one. */
  readonly message: Uint8Array | undefined
  readonly fields: readonly string[]
  /** Whether a response has begun, which a retry could not take back. */
  readonly isCommitted: boolean
}

const NO_FIELDS: readonly string[] = []

/** Sends a message, again by the policy of the method, and resolves with the response. */
export async function unaryCall<Request, Response>(
  context: CallContext,
  method: Method<Request, Response>,
  call: Call,
  message: Request,
): Promise<GrpcResponse<Response>> {
  const framed = context.frame(method.serialize(message))
  const body = framed instanceof Uint8Array ? framed : await framed
  const retries = context.retries(call)
  for (;;) {
    const { outcome, message: received, fields, isCommitted } = await attempt(context, method as never, call, body, retries)
    if (outcome.code === Status.OK) {
      context.configs.succeeded()
      return answer(context, method, outcome, received, retries?.withPrevious(fields) ?? fields)
    }
    const last = retries === undefined ? outcome : await retries.next(outcome, isCommitted)
    if (last !== undefined) throw failure(context, call, last)
  }
}

/** The error of a call: the reason itself, if the caller has aborted it. */
export function failure(context: CallContext, { signal }: Call, outcome: Outcome): unknown {
  if (signal?.aborted === true && outcome.error === signal.reason) return signal.reason
  return new GrpcError(outcome, context.origin)
}

function answer<Response>(
  context: CallContext,
  method: Method<never, Response>,
  outcome: Outcome,
  message: Uint8Array | undefined,
  fields: readonly string[],
): GrpcResponse<Response> {
  const { code, details, trailers } = outcome
  if (message === undefined) throw new GrpcError(outcomeOf(Status.INTERNAL, 'the response has no message'), context.origin)
  let response: Response
  try {
    response = method.deserialize(message)
  } catch (error) {
    throw new GrpcError(
      outcomeOf(Status.INTERNAL, `the message cannot be read: ${(error as Error).message}`, error),
      context.origin,
    )
  }
  return { response, metadata: new CallMetadata(fields), trailers: new CallMetadata(trailers), status: { code, details } }
}

async function attempt(
  context: CallContext,
  method: Method<never, unknown>,
  call: Call,
  body: Uint8Array,
  retries: CallRetries | undefined,
): Promise<Attempt> {
  let isCommitted = false
  try {
    const response = await context.client.request(context.request(method, call, body, retries?.previous))
    isCommitted = true
    return await received(context, response)
  } catch (error) {
    return { outcome: outcomeOfError(error), message: undefined, fields: NO_FIELDS, isCommitted }
  }
}

async function received(context: CallContext, response: HttpResponse): Promise<Attempt> {
  const fields = fieldList(response.headers)
  const early = outcomeOfFields(fields)
  const type = response.headers.get('content-type')
  if (early !== undefined || response.status !== 200 || !isGrpc(type)) {
    response.discard()
    return { outcome: early ?? notGrpc(response, type), message: undefined, fields: NO_FIELDS, isCommitted: false }
  }
  const content = await response.bytes()
  const outcome =
    outcomeOfFields(fieldList(response.trailers!)) ?? outcomeOf(Status.INTERNAL, 'the response has no valid grpc-status')
  if (outcome.code !== Status.OK) return { outcome, message: undefined, fields, isCommitted: true }
  const message = messageIn(content, response, context.mostReceived)
  return { outcome, message: message instanceof Promise ? await message : message, fields, isCommitted: true }
}

/** Returns the only message of the content. @throws FrameError if it is not valid. */
function messageIn(content: Uint8Array, response: HttpResponse, mostBytes: number): Uint8Array | undefined | Promise<Uint8Array> {
  const reader = new FrameReader(mostBytes)
  reader.add(content)
  const frame = reader.next()
  if (frame === undefined && !reader.isInside) return undefined
  if (frame === undefined || reader.isInside)
    throw new FrameError(frame === undefined ? 'the content ended inside a message' : 'the response has several messages', false)
  if (!frame.isCompressed) return frame.bytes
  const encoding = encodingOf(response.headers.get('grpc-encoding') ?? 'identity')
  if (encoding === undefined || encoding === 'identity')
    throw new FrameError('a message is compressed with an encoding that is not known', false)
  return decompress(frame.bytes, encoding, mostBytes)
}
