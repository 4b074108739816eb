/** `grpcClient()` with the methods that real tools define: `@grpc/proto-loader`, and protobuf-es 2 and 1. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as protobuf from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { proto3 } from '@bufbuild/protobuf-1'
import * as grpc from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { type GrpcMethodDefinition, grpcClient, type ProtobufMethod } from 'unshard/grpc'
import { grpcFixture } from './fixture.js'

const fixture = grpcFixture()

const PROTO = `syntax = "proto3";
package test;
message Ask { string name = 1; int32 count = 2; }
message Say { string text = 1; }
service Talk {
  rpc Once (Ask) returns (Say);
  rpc Often (Ask) returns (stream Say);
  rpc Gather (stream Ask) returns (Say);
  rpc Chat (stream Ask) returns (stream Say);
}
`

interface Ask {
  readonly name: string
  readonly count: number
}
interface Say {
  readonly text: string
}
type Methods = Record<'Once' | 'Often' | 'Gather' | 'Chat', GrpcMethodDefinition<Ask, Say>>

/** The service as proto-loader and grpc-js define it. */
async function loaded(): Promise<Methods> {
  const folder = await mkdtemp(join(tmpdir(), 'unshard-proto-'))
  try {
    await writeFile(join(folder, 'talk.proto'), PROTO)
    const { test } = grpc.loadPackageDefinition(loadSync(join(folder, 'talk.proto'))) as unknown as {
      test: { Talk: { service: Methods } }
    }
    return test.Talk.service
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Starts a server that has the methods of proto-loader, and returns a client of it. */
async function start(methods: Methods): Promise<ReturnType<typeof grpcClient>> {
  const server = new grpc.Server()
  const { key, cert } = await fixture.tls()
  server.addService(methods as never, {
    Once: ({ request }: { request: Ask }, done: grpc.sendUnaryData<Say>) =>
      done(null, { text: `${request.name} ${request.count}` }),
    Often(call: grpc.ServerWritableStream<Ask, Say>) {
      for (let i = 0; i < call.request.count; i++) call.write({ text: `${call.request.name} ${i}` })
      call.end()
    },
    Gather(call: grpc.ServerReadableStream<Ask, Say>, done: grpc.sendUnaryData<Say>) {
      const names: string[] = []
      call.on('data', ({ name }: Ask) => names.push(name)).on('end', () => done(null, { text: names.join() }))
    },
    Chat(call: grpc.ServerDuplexStream<Ask, Say>) {
      call.on('data', ({ name }: Ask) => call.write({ text: name })).on('end', () => call.end())
    },
  })
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createSsl(null, [pair]), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  fixture.defer(() => server.forceShutdown())
  return grpcClient(fixture.client(), { baseUrl: `https://a.test.example:${port}`, protobuf })
}

/** The same service as code that protobuf-es 2 has generated. */
function talkOfProtobuf2(): Record<string, ProtobufMethod> {
  const [TYPE_INT32, TYPE_STRING, LABEL_OPTIONAL] = [5, 9, 1]
  const field = (name: string, number: number, type: number): object => ({
    name,
    number,
    type,
    label: LABEL_OPTIONAL,
    jsonName: name,
  })
  const types = { inputType: '.test.Ask', outputType: '.test.Say' }
  const file = protobuf.create(FileDescriptorProtoSchema, {
    ...{ name: 'talk.proto', package: 'test', syntax: 'proto3' },
    messageType: [
      { name: 'Ask', field: [field('name', 1, TYPE_STRING), field('count', 2, TYPE_INT32)] },
      { name: 'Say', field: [field('text', 1, TYPE_STRING)] },
    ],
    service: [
      {
        name: 'Talk',
        method: [
          { name: 'Once', ...types },
          { name: 'Often', ...types, serverStreaming: true },
          { name: 'Gather', ...types, clientStreaming: true },
          { name: 'Chat', ...types, clientStreaming: true, serverStreaming: true },
        ],
      },
    ],
  } as never)
  const registry = protobuf.createFileRegistry(file, () => undefined)
  return Object.fromEntries(registry.getService('test.Talk')!.methods.map((method) => [method.name, method]))
}

/** The same service with messages of protobuf-es 1, whose methods do not say their service. */
function talkOfProtobuf1(): Methods {
  const STRING = 9
  const INT32 = 5
  const AskType = proto3.makeMessageType('test.Ask', [
    { no: 1, name: 'name', kind: 'scalar', T: STRING },
    { no: 2, name: 'count', kind: 'scalar', T: INT32 },
  ])
  const SayType = proto3.makeMessageType('test.Say', [{ no: 1, name: 'text', kind: 'scalar', T: STRING }])
  const method = (name: string, requestStream: boolean, responseStream: boolean): GrpcMethodDefinition<Ask, Say> => ({
    ...{ path: `/test.Talk/${name}`, requestStream, responseStream },
    requestSerialize: (value) => new AskType(value as never).toBinary(),
    responseDeserialize: (bytes) => SayType.fromBinary(bytes) as unknown as Say,
  })
  return {
    Once: method('Once', false, false),
    Often: method('Often', false, true),
    Gather: method('Gather', true, false),
    Chat: method('Chat', true, true),
  }
}

it.each<[string, (methods: Methods) => Methods]>([
  ['@grpc/proto-loader', (methods) => methods],
  ['protobuf-es 2', () => talkOfProtobuf2() as never],
  ['protobuf-es 1', talkOfProtobuf1],
])('methods of %s of every kind are called', async (_name, methodsOf) => {
  const served = await loaded()
  const calls = await start(served)
  const { Once, Often, Gather, Chat } = methodsOf(served)
  const ada = { name: 'Ada', count: 3 }
  const grace = { name: 'Grace', count: 0 }
  const texts = async (stream: AsyncIterable<Say>): Promise<string[]> => {
    const received: string[] = []
    for await (const { text } of stream) received.push(text)
    return received
  }
  expect((await calls.unary(Once, ada)).response.text).toBe('Ada 3')
  expect(await texts(calls.serverStream(Often, ada))).toEqual(['Ada 0', 'Ada 1', 'Ada 2'])
  expect((await calls.clientStream(Gather, [ada, grace])).response.text).toBe('Ada,Grace')
  expect(await texts(calls.bidi(Chat, [ada, grace]))).toEqual(['Ada', 'Grace'])
})
