/** The service of gRPC's interop tests on `@grpc/grpc-js`. */

import * as grpc from '@grpc/grpc-js'
import { bytesAt, type Decoded, decode, encode, numberAt, payloadResponse } from './messages.js'

const INITIAL = 'x-grpc-test-echo-initial'
const TRAILING = 'x-grpc-test-echo-trailing-bin'
const SERVICE = '/grpc.testing.TestService'

type Definition = grpc.MethodDefinition<Buffer, Buffer>
const bytes = (value: Buffer): Buffer => value

function method(path: string, requestStream: boolean, responseStream: boolean): Definition {
  return {
    ...{ path, requestStream, responseStream },
    ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
  }
}

/** The methods of the service, and two that it does not have. */
export const METHODS = {
  emptyCall: method(`${SERVICE}/EmptyCall`, false, false),
  unaryCall: method(`${SERVICE}/UnaryCall`, false, false),
  streamingInputCall: method(`${SERVICE}/StreamingInputCall`, true, false),
  streamingOutputCall: method(`${SERVICE}/StreamingOutputCall`, false, true),
  fullDuplexCall: method(`${SERVICE}/FullDuplexCall`, true, true),
}
export const UNIMPLEMENTED = [
  method(`${SERVICE}/UnimplementedCall`, false, false),
  method('/grpc.testing.UnimplementedService/UnimplementedCall', false, false),
]

type Call = grpc.ServerUnaryCall<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>

/** Sends back the metadata, and returns that for the end. */
function echoMetadata(call: Call): grpc.Metadata {
  const [initial, trailing] = [new grpc.Metadata(), new grpc.Metadata()]
  for (const value of call.metadata.get(INITIAL)) initial.add(INITIAL, value)
  for (const value of call.metadata.get(TRAILING)) trailing.add(TRAILING, value)
  if (Object.keys(initial.getMap()).length > 0) call.sendMetadata(initial)
  return trailing
}

function statusOf(fields: Decoded): Partial<grpc.StatusObject> | undefined {
  if (!fields.has(7)) return undefined
  const status = decode(bytesAt(fields, 7))
  return { code: numberAt(status, 1), details: bytesAt(status, 2).toString() }
}

const sizesOf = (fields: Decoded): number[] => (fields.get(2) ?? []).map((each) => numberAt(decode(each as Buffer), 1))

const handlers: grpc.UntypedServiceImplementation = {
  emptyCall: (_call: unknown, done: grpc.sendUnaryData<Buffer>) => done(null, Buffer.alloc(0)),
  unaryCall(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
    const fields = decode(call.request)
    const trailing = echoMetadata(call)
    const status = statusOf(fields)
    if (status === undefined) done(null, payloadResponse(numberAt(fields, 2)), trailing)
    else done(status)
  },
  streamingInputCall(call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
    let total = 0
    call.on('data', (message: Buffer) => {
      total += bytesAt(decode(bytesAt(decode(message), 1)), 2).length
    })
    call.on('end', () => done(null, encode([[1, total]])))
  },
  streamingOutputCall(call: grpc.ServerWritableStream<Buffer, Buffer>) {
    for (const size of sizesOf(decode(call.request))) call.write(payloadResponse(size))
    call.end()
  },
  fullDuplexCall(call: grpc.ServerDuplexStream<Buffer, Buffer>) {
    const trailing = echoMetadata(call)
    call.on('data', (message: Buffer) => {
      const fields = decode(message)
      const status = statusOf(fields)
      if (status !== undefined) return void call.emit('error', status)
      for (const size of sizesOf(fields)) call.write(payloadResponse(size))
    })
    call.on('end', () => call.end(trailing))
  },
}

/** Starts the server, and returns its port and a function that stops it. */
export async function startGrpcJs(cert: string, key: string): Promise<{ port: number; stop(): void }> {
  const server = new grpc.Server()
  server.addService(METHODS, handlers)
  const credentials = grpc.ServerCredentials.createSsl(null, [{ private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }])
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error === null ? resolve(bound) : reject(error))),
  )
  return { port, stop: () => server.forceShutdown() }
}
