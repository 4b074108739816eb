/** Examples of docs/guides/connect.md, against a server made with Connect-ES. */

import { create, createFileRegistry, toBinary } from '@bufbuild/protobuf'
import {
  type FieldDescriptorProto_Label,
  type FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, createConnectRouter } from '@connectrpc/connect'
import type { UniversalHandler } from '@connectrpc/connect/protocol'
import type { OriginHandler } from '@unshard/testkit'
import { docsStage } from './stage.js'

/** The file that the examples import, as its schema. */
function greetFile(): FileDescriptorProto {
  const [label, type] = [1 as FieldDescriptorProto_Label, 9 as FieldDescriptorProto_Type]
  const method = (name: string, serverStreaming: boolean): object => {
    return { name, inputType: '.greet.v1.Greeting', outputType: '.greet.v1.Greeting', serverStreaming }
  }
  return create(FileDescriptorProtoSchema, {
    name: 'greet.proto',
    package: 'greet.v1',
    syntax: 'proto3',
    messageType: [{ name: 'Greeting', field: [{ name: 'text', jsonName: 'text', number: 1, label, type }] }],
    service: [{ name: 'GreetService', method: [method('Greet', false), method('Repeat', true)] }],
  })
}

const file = greetFile()
const service = createFileRegistry(file, () => undefined).getService('greet.v1.GreetService')!
const generated = `import { fileDesc, serviceDesc } from '@bufbuild/protobuf/codegenv2'
  const file = fileDesc('${Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('base64')}')
  export const GreetService = serviceDesc(file, 0)`

const methods = {
  greet({ text }: { text: string }) {
    if (text === '') throw new ConnectError('text is empty', Code.InvalidArgument)
    return { text: `Hello, ${text}` }
  },
  async *repeat({ text }: { text: string }) {
    for (let i = 1; i <= 2; i++) yield { text: `${text} ${i}` }
  },
}
const router = createConnectRouter()
router.service(service, methods as never)
const handlers = new Map(router.handlers.map((each: UniversalHandler) => [each.requestPath, each]))

const handler: OriginHandler = async (request, response) => {
  const header = new Headers()
  for (const [name, value] of Object.entries(request.headers)) if (!name.startsWith(':')) header.append(name, String(value))
  const answer = await handlers.get(request.url!)!({
    httpVersion: request.httpVersion,
    url: `https://api.example.com${request.url}`,
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

const stage = docsStage('docs/guides/connect.md', handler, { 'greet_pb.js': generated, 'package.json': '{"type":"module"}' })

it.each(stage.examples.map((example, i) => [i + 1, example] as const))(
  'example %i prints the output that it states',
  async (_number, example) => {
    const stated = [...example.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]!)
    expect(stated.length).toBeGreaterThan(0)
    expect((await stage.play(example)).trimEnd().split('\n')).toEqual(stated)
  },
)
