/** A service with a method of each kind, described for version 1 or 2 of protobuf-es, whichever is loaded. */

import * as protobuf from '@bufbuild/protobuf'

const METHODS = [
  { name: 'Unary' },
  { name: 'Pure', pure: true },
  { name: 'Missing' },
  { name: 'ServerStream', serverStreaming: true },
  { name: 'ClientStream', clientStreaming: true },
  { name: 'Bidi', clientStreaming: true, serverStreaming: true },
]

/** Whether this is version 1, where messages are classes. */
export const isVersion1 = 'proto3' in protobuf

export const { Service, Message } = isVersion1 ? version1() : await version2()

function version1() {
  const { MethodIdempotency, MethodKind, proto3, ScalarType } = protobuf
  const Message = proto3.makeMessageType('test.v1.Message', [
    { no: 1, name: 'text', kind: 'scalar', T: ScalarType.STRING },
    { no: 2, name: 'count', kind: 'scalar', T: ScalarType.INT32 },
    { no: 3, name: 'data', kind: 'scalar', T: ScalarType.BYTES },
  ])
  const kindOf = ({ clientStreaming, serverStreaming }) => {
    if (clientStreaming) return serverStreaming ? MethodKind.BiDiStreaming : MethodKind.ClientStreaming
    return serverStreaming ? MethodKind.ServerStreaming : MethodKind.Unary
  }
  const methods = METHODS.map((method) => [
    method.name[0].toLowerCase() + method.name.slice(1),
    {
      name: method.name,
      I: Message,
      O: Message,
      kind: kindOf(method),
      ...(method.pure && { idempotency: MethodIdempotency.NoSideEffects }),
    },
  ])
  return { Message, Service: { typeName: 'test.v1.TestService', methods: Object.fromEntries(methods) } }
}

async function version2() {
  const wkt = await import('@bufbuild/protobuf/wkt')
  const label = wkt.FieldDescriptorProto_Label.OPTIONAL
  const { STRING, INT32, BYTES } = wkt.FieldDescriptorProto_Type
  const fields = Object.entries({ text: STRING, count: INT32, data: BYTES })
  const file = protobuf.create(wkt.FileDescriptorProtoSchema, {
    name: 'test.proto',
    package: 'test.v1',
    syntax: 'proto3',
    messageType: [
      { name: 'Message', field: fields.map(([name, type], i) => ({ name, jsonName: name, number: i + 1, type, label })) },
    ],
    service: [
      {
        name: 'TestService',
        method: METHODS.map(({ name, pure, clientStreaming, serverStreaming }) => ({
          name,
          inputType: '.test.v1.Message',
          outputType: '.test.v1.Message',
          clientStreaming,
          serverStreaming,
          options: pure ? { idempotencyLevel: wkt.MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS } : undefined,
        })),
      },
    ],
  })
  const registry = protobuf.createFileRegistry(file, () => undefined)
  return { Message: registry.getMessage('test.v1.Message'), Service: registry.getService('test.v1.TestService') }
}

/** A detail of an error, for its constructor. */
export function detailOf(text) {
  return isVersion1 ? new Message({ text }) : { desc: Message, value: { text } }
}
