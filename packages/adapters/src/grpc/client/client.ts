/** A client of gRPC services. */

import type { Client } from '@unshard/core'
import { outcomeOf, Status } from '../status.js'
import { CallContext } from './call-context.js'
import { type GrpcMethodDefinition, type Method, methodOf, type ProtobufMethod } from './definition.js'
import { GrpcError } from './grpc-error.js'
import { MessageSource, type Messages } from './message-source.js'
import type { GrpcCallOptions, GrpcClientOptions } from './options.js'
import { type GrpcStream, StreamingCall } from './streaming-call.js'
import { type GrpcResponse, unaryCall } from './unary-call.js'

/** A method that a client can call. */
export type AnyMethod<Request, Response> = GrpcMethodDefinition<Request, Response> | ProtobufMethod

/** Calls methods of gRPC services: see {@link grpcClient}. */
export interface GrpcClient {
  /**
   * Calls a method with one message each way.
   * @throws GrpcError if the status is not `OK`. The caller's `signal.reason` if it aborts.
   */
  unary<Request, Response>(
    method: AnyMethod<Request, Response>,
    message: Request,
    options?: GrpcCallOptions,
  ): Promise<GrpcResponse<Response>>
  /** Calls a method whose response is a stream of messages. The call begins at once. */
  serverStream<Request, Response>(
    method: AnyMethod<Request, Response>,
    message: Request,
    options?: GrpcCallOptions,
  ): GrpcStream<Response>
  /**
   * Calls a method whose request is a stream of messages, taken one by one as the server reads them.
   * @throws GrpcError if the status is not `OK`. The caller's `signal.reason` if it aborts.
   */
  clientStream<Request, Response>(
    method: AnyMethod<Request, Response>,
    messages: Messages<Request>,
    options?: GrpcCallOptions,
  ): Promise<GrpcResponse<Response>>
  /** Calls a method with a stream of messages each way, at the same time. */
  bidi<Request, Response>(
    method: AnyMethod<Request, Response>,
    messages: Messages<Request>,
    options?: GrpcCallOptions,
  ): GrpcStream<Response>
}

/**
 * Returns a client of gRPC services for methods of `@grpc/grpc-js` or protobuf-es. Its calls are
 * requests of `client`, over HTTP/2.
 * @throws UsageError if an option is not valid.
 */
export function grpcClient(client: Client, options: GrpcClientOptions): GrpcClient {
  return new Calls(new CallContext(client, options))
}

class Calls implements GrpcClient {
  readonly #context: CallContext

  constructor(context: CallContext) {
    this.#context = context
  }

  async unary<Request, Response>(
    given: AnyMethod<Request, Response>,
    message: Request,
    options?: GrpcCallOptions,
  ): Promise<GrpcResponse<Response>> {
    const method = this.#methodOf(given)
    return unaryCall(this.#context, method, this.#context.call(method as never, options), message)
  }

  serverStream<Request, Response>(
    given: AnyMethod<Request, Response>,
    message: Request,
    options?: GrpcCallOptions,
  ): GrpcStream<Response> {
    const method = this.#methodOf(given)
    const framed = this.#context.frame(method.serialize(message))
    // Compression takes a moment: the message is then a stream of one.
    const content = (): Uint8Array | MessageSource =>
      framed instanceof Uint8Array ? framed : new MessageSource(this.#context, method as never, [message])
    const call = this.#context.call(method as never, options)
    return new StreamingCall(this.#context, method as never, call, content, this.#context.retries(call))
  }

  async clientStream<Request, Response>(
    given: AnyMethod<Request, Response>,
    messages: Messages<Request>,
    options?: GrpcCallOptions,
  ): Promise<GrpcResponse<Response>> {
    const stream = this.bidi(given, messages, options)
    let response: { readonly value: Response } | undefined
    for await (const value of stream) {
      if (response !== undefined) throw this.#malformed('the response has several messages')
      response = { value }
    }
    if (response === undefined) throw this.#malformed('the response has no message')
    const [metadata, trailers] = await Promise.all([stream.metadata, stream.trailers])
    return { response: response.value, metadata, trailers, status: { code: Status.OK, details: '' } }
  }

  bidi<Request, Response>(
    given: AnyMethod<Request, Response>,
    messages: Messages<Request>,
    options?: GrpcCallOptions,
  ): GrpcStream<Response> {
    const method = this.#methodOf(given)
    const source = new MessageSource(this.#context, method as never, messages)
    return new StreamingCall(
      this.#context,
      method as never,
      this.#context.call(method as never, options),
      () => source,
      undefined,
    )
  }

  #methodOf<Request, Response>(given: AnyMethod<Request, Response>): Method<Request, Response> {
    return methodOf(given, this.#context.protobuf)
  }

  #malformed(details: string): GrpcError {
    return new GrpcError(outcomeOf(Status.INTERNAL, details), this.#context.origin)
  }
}
