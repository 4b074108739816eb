/** Methods that a client can call: definitions of `@grpc/grpc-js`, and descriptors of protobuf-es. */

import { UsageError } from '@unshard/core'
import { shownValue } from '@unshard/core/internal'
import { asBuffer } from '../frames.js'

/** A method of `@grpc/grpc-js`, as generated code and `@grpc/proto-loader` define it. */
export interface GrpcMethodDefinition<Request, Response> {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  requestSerialize(value: Request): Uint8Array
  responseDeserialize(bytes: Buffer): Response
}

/** A method of a service that protobuf-es 2 has generated: a `DescMethod`. */
export interface ProtobufMethod {
  readonly kind: 'rpc'
  readonly name: string
  readonly methodKind: 'unary' | 'server_streaming' | 'client_streaming' | 'bidi_streaming'
  readonly parent: { readonly typeName: string }
  readonly input: object
  readonly output: object
}

/** The functions of `@bufbuild/protobuf` 2 that a client needs for {@link ProtobufMethod}. */
export interface ProtobufFunctions {
  create(schema: never, init?: never): unknown
  toBinary(schema: never, message: never): Uint8Array
  fromBinary(schema: never, bytes: Uint8Array): unknown
}

/** A method in one form. */
export interface Method<Request, Response> {
  readonly path: string
  readonly service: string
  readonly name: string
  serialize(value: Request): Uint8Array
  deserialize(bytes: Uint8Array): Response
}

const known = new WeakMap<object, Method<never, unknown>>()

/** @throws UsageError `ERR_INVALID_OPTION` for anything else. */
export function methodOf<Request, Response>(given: object, protobuf: ProtobufFunctions | undefined): Method<Request, Response> {
  const found = known.get(given)
  if (found !== undefined) return found as unknown as Method<Request, Response>
  const method = toMethod(given as Partial<GrpcMethodDefinition<never, unknown> & ProtobufMethod>, protobuf)
  known.set(given, method)
  return method as unknown as Method<Request, Response>
}

function toMethod(
  given: Partial<GrpcMethodDefinition<never, unknown> & ProtobufMethod>,
  protobuf: ProtobufFunctions | undefined,
): Method<never, unknown> {
  const { path, requestSerialize, responseDeserialize } = given
  if (typeof path === 'string' && typeof requestSerialize === 'function' && typeof responseDeserialize === 'function') {
    const end = path.lastIndexOf('/')
    const names = { service: path.slice(path.startsWith('/') ? 1 : 0, end), name: path.slice(end + 1) }
    // Some generated functions expect to be called as methods.
    return {
      path: path.startsWith('/') ? path : `/${path}`,
      ...names,
      serialize: (value) => given.requestSerialize!(value),
      deserialize: (bytes) => given.responseDeserialize!(asBuffer(bytes)),
    }
  }
  const { kind, name, parent, input, output } = given
  if (kind !== 'rpc' || name === undefined || parent === undefined)
    throw new UsageError('ERR_INVALID_OPTION', `${shownValue(given)} is not a method of @grpc/grpc-js or protobuf-es`)
  if (protobuf === undefined)
    throw new UsageError(
      'ERR_INVALID_OPTION',
      "a method of protobuf-es needs the option protobuf: import * as protobuf from '@bufbuild/protobuf'",
    )
  return {
    path: `/${parent.typeName}/${name}`,
    ...{ service: parent.typeName, name },
    serialize: (value) => protobuf.toBinary(input as never, protobuf.create(input as never, value) as never),
    deserialize: (bytes) => protobuf.fromBinary(output as never, bytes),
  }
}
