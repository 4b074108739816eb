/** A service, and servers of it made with Connect-ES itself. */

import { create, createFileRegistry, type DescService } from '@bufbuild/protobuf'
import {
  type FieldDescriptorProto_Label,
  type FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  MethodOptions_IdempotencyLevel,
} from '@bufbuild/protobuf/wkt'
import { createClient, createConnectRouter, type HandlerContext, type Transport } from '@connectrpc/connect'
import type { UniversalHandler } from '@connectrpc/connect/protocol'
import type { OriginHandler } from '@unshard/testkit'
import { compressionGzip } from '../../src/connect/index.js'

/** A message of the service. */
export interface Message {
  readonly text: string
}

/** A method with one answer, or several. */
export interface Methods {
  unary?(request: Message, context: HandlerContext): Message
  stream?(request: Message, context: HandlerContext): AsyncIterable<Message>
}

interface CallOptions {
  readonly signal?: AbortSignal
  onTrailer?(trailers: Headers): void
}

/** The calls of the service. */
export interface Calls {
  unary(request: Message, options?: CallOptions): Promise<Message>
  stream(request: Message, options?: CallOptions): AsyncIterable<Message>
}

function describeService(): DescService {
  const [label, type] = [1 as FieldDescriptorProto_Label, 9 as FieldDescriptorProto_Type]
  const types = { inputType: '.test.v1.Message', outputType: '.test.v1.Message' }
  const options = { idempotencyLevel: MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS }
  const file = create(FileDescriptorProtoSchema, {
    name: 'test.proto',
    package: 'test.v1',
    syntax: 'proto3',
    messageType: [{ name: 'Message', field: [{ name: 'text', jsonName: 'text', number: 1, label, type }] }],
    service: [
      {
        name: 'TestService',
        method: [
          { name: 'Unary', ...types, options },
          { name: 'Stream', ...types, serverStreaming: true },
        ],
      },
    ],
  })
  return createFileRegistry(file, () => undefined).getService('test.v1.TestService')!
}

const SERVICE = describeService()

/** The calls over a transport. */
export function callsOver(transport: Transport): Calls {
  return createClient(SERVICE, transport) as unknown as Calls
}

/** A handler of the service for every protocol. */
export function serviceHandler(methods: Methods): OriginHandler {
  const router = createConnectRouter({ acceptCompression: [compressionGzip], compressMinBytes: 100 })
  router.service(SERVICE, methods as never)
  const handlers = new Map(router.handlers.map((each: UniversalHandler) => [each.requestPath, each]))
  return async (request, response) => {
    const header = new Headers()
    for (const [name, value] of Object.entries(request.headers)) if (!name.startsWith(':')) header.append(name, String(value))
    const answer = await handlers.get(request.url!.split('?', 1)[0]!)!({
      httpVersion: request.httpVersion,
      url: `https://a.test.example${request.url}`,
      method: request.method!,
      header,
      body: request as AsyncIterable<Uint8Array>,
      signal: new AbortController().signal,
    })
    response.writeHead(answer.status, Object.fromEntries(answer.header ?? []))
    for await (const part of answer.body ?? []) response.write(part)
    response.addTrailers(Object.fromEntries(answer.trailer ?? []))
    response.end()
  }
}
