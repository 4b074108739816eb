/** The messages of gRPC's interop tests (grpc/testing/messages.proto), as far as the tests need them. */

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** A field: its number, and a number, bytes or the fields of a message. */
type Field = readonly [number, number | Uint8Array | Message]
/** A message by its fields. */
export type Message = readonly Field[]
/** The values of a message by field number. */
export type Decoded = ReadonlyMap<number, readonly (number | Buffer)[]>

/** Returns a message as bytes. */
export function encode(message: Message): Buffer {
  const writer = new BinaryWriter()
  for (const [number, value] of message) {
    if (typeof value === 'number') writer.tag(number, WireType.Varint).int32(value)
    else writer.tag(number, WireType.LengthDelimited).bytes(value instanceof Uint8Array ? value : encode(value))
  }
  return Buffer.from(writer.finish())
}

/** Returns the fields of a message. */
export function decode(bytes: Uint8Array): Decoded {
  const reader = new BinaryReader(bytes)
  const fields = new Map<number, (number | Buffer)[]>()
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag()
    const value = type === WireType.Varint ? reader.int32() : Buffer.from(reader.bytes())
    fields.set(number, [...(fields.get(number) ?? []), value])
  }
  return fields
}

/** The first number of a field, or 0. */
export const numberAt = (fields: Decoded, number: number): number => (fields.get(number)?.[0] as number | undefined) ?? 0
/** The first bytes of a field, or none. */
export const bytesAt = (fields: Decoded, number: number): Buffer =>
  (fields.get(number)?.[0] as Buffer | undefined) ?? Buffer.alloc(0)

const payload = (size: number): Message => [[2, Buffer.alloc(size)]]
const bool = (value: boolean): Message => [[1, value ? 1 : 0]]

/** The fields of a request; those that are absent are not sent. */
export interface RequestFields {
  readonly payload?: number
  /** Size of the response to a unary call. */
  readonly responseSize?: number
  /** Sizes of the responses of a stream, and whether each is compressed. */
  readonly responses?: readonly (number | readonly [number, boolean])[]
  readonly status?: readonly [number, string]
  readonly expectCompressed?: boolean
  readonly responseCompressed?: boolean
}

/** `SimpleRequest`. */
export function simpleRequest({ payload: size, responseSize, ...others }: RequestFields): Buffer {
  const { status, expectCompressed, responseCompressed } = others
  return encode([
    ...(responseSize === undefined ? [] : [[2, responseSize] as const]),
    ...(size === undefined ? [] : [[3, payload(size)] as const]),
    ...(responseCompressed === undefined ? [] : [[6, bool(responseCompressed)] as const]),
    ...(status === undefined ? [] : [[7, statusFields(status)] as const]),
    ...(expectCompressed === undefined ? [] : [[8, bool(expectCompressed)] as const]),
  ])
}

/** `StreamingInputCallRequest`. */
export function inputRequest(size: number, expectCompressed?: boolean): Buffer {
  return encode([[1, payload(size)], ...(expectCompressed === undefined ? [] : [[2, bool(expectCompressed)] as const])])
}

/** `StreamingOutputCallRequest`. */
export function outputRequest({ payload: size, responses = [], status }: RequestFields): Buffer {
  return encode([
    ...responses.map((each) => [2, parameters(each)] as const),
    ...(size === undefined ? [] : [[3, payload(size)] as const]),
    ...(status === undefined ? [] : [[7, statusFields(status)] as const]),
  ])
}

function parameters(given: number | readonly [number, boolean]): Message {
  if (typeof given === 'number') return [[1, given]]
  return [
    [1, given[0]],
    [3, bool(given[1])],
  ]
}

function statusFields([code, message]: readonly [number, string]): Message {
  return [
    [1, code],
    [2, Buffer.from(message)],
  ]
}

/** A response whose field 1 is a payload of zeros. */
export const payloadResponse = (size: number): Buffer => encode([[1, payload(size)]])

/** Size of the payload of a response. Throws unless all of its bytes are zero. */
export function sizeOf(response: Uint8Array): number {
  const body = bytesAt(decode(bytesAt(decode(response), 1)), 2)
  if (!body.equals(Buffer.alloc(body.length))) throw new Error('the payload of a response has a byte that is not zero')
  return body.length
}
