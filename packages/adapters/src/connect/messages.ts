/** Messages in the binary format, of version 1 and 2 of protobuf-es. */

import * as protobuf from '@bufbuild/protobuf'
import type { UnaryRequest } from '@connectrpc/connect'
import type { CheckedOptions } from './transport-options.js'

type BinaryOptions = CheckedOptions['binaryOptions']
type Message = UnaryRequest['message']

/** A message and a method of version 1: messages are classes. */
interface Version1 {
  readonly message: { toBinary(options: BinaryOptions): Uint8Array }
  readonly method: { readonly O: { fromBinary(bytes: Uint8Array, options: BinaryOptions): Message } }
}

const isVersion1 = 'proto3' in protobuf

/** Returns the bytes of the request's message. */
export function serialize(request: UnaryRequest, options: BinaryOptions): Uint8Array {
  if (isVersion1) return (request as unknown as Version1).message.toBinary(options)
  return protobuf.toBinary(request.method.input, request.message, options)
}

/** Returns the response's message. @throws Error if the bytes are not such a message. */
export function parse({ method }: UnaryRequest, bytes: Uint8Array, options: BinaryOptions): Message {
  if (isVersion1) return (method as unknown as Version1['method']).O.fromBinary(bytes, options)
  return protobuf.fromBinary(method.output, bytes, options)
}
