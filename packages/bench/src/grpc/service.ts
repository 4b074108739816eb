/** The service that is called: messages are bytes, so that no serializer is compared. */

/** A method whose messages are bytes. */
export interface BytesMethod {
  readonly path: string
  readonly requestStream: false
  readonly responseStream: boolean
  readonly requestSerialize: (value: Buffer) => Buffer
  readonly requestDeserialize: (value: Buffer) => Buffer
  readonly responseSerialize: (value: Buffer) => Buffer
  readonly responseDeserialize: (value: Buffer) => Buffer
}

/** Extension of the document that is a stream. */
export const EXTENSION = 'grpc'

const same = (value: Buffer): Buffer => value

function method(name: string, responseStream: boolean): BytesMethod {
  return {
    path: `/bench.Service/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
}

export const UNARY: BytesMethod = method('Unary', false)
export const STREAM: BytesMethod = method('Stream', true)
/** The name has an extension, from which nghttpd takes the media type. */
export const FAST_STREAM: BytesMethod = method(`Stream.${EXTENSION}`, true)
