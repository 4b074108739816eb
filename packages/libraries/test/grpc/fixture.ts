/** A service with every kind of method, a real server of `@grpc/grpc-js`, and clients of it. */

import * as newest from '@grpc/grpc-js'
import * as oldest from '@grpc/grpc-js-1.8'
import { type TestWorld, testWorld } from '@unshard/testkit'
import { type Client, type ClientOptions, createClient } from 'unshard'

/** Versions of the library with which clients are made. */
export const LIBRARIES: [string, typeof newest][] = [
  ['grpc-js 1.14', newest],
  ['grpc-js 1.8', oldest as unknown as typeof newest],
]

const bytes = { serialize: (value: Buffer): Buffer => value, deserialize: (value: Buffer): Buffer => value }

function method(name: string, requestStream: boolean, responseStream: boolean): newest.MethodDefinition<Buffer, Buffer> {
  return {
    path: `/test.Service/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes.serialize,
    requestDeserialize: bytes.deserialize,
    responseSerialize: bytes.serialize,
    responseDeserialize: bytes.deserialize,
  }
}

/** The service: messages are bytes. */
export const SERVICE = {
  unary: method('Unary', false, false),
  serverStream: method('ServerStream', false, true),
  clientStream: method('ClientStream', true, false),
  bidi: method('Bidi', true, true),
}

/** A generated client, in effect. */
export interface ServiceClient extends newest.Client {
  unary(
    request: Buffer,
    metadata: newest.Metadata,
    options: newest.CallOptions,
    callback: newest.requestCallback<Buffer>,
  ): newest.ClientUnaryCall
  serverStream(request: Buffer, metadata?: newest.Metadata, options?: newest.CallOptions): newest.ClientReadableStream<Buffer>
  clientStream(
    metadata: newest.Metadata,
    options: newest.CallOptions,
    callback: newest.requestCallback<Buffer>,
  ): newest.ClientWritableStream<Buffer>
  bidi(metadata?: newest.Metadata, options?: newest.CallOptions): newest.ClientDuplexStream<Buffer, Buffer>
}

export interface GrpcServer {
  readonly port: number
  /** TCP connections accepted so far. */
  readonly connections: number
  readonly server: newest.Server
}

/** What a unary call resolves with. */
export interface Answer {
  readonly response: Buffer
  readonly metadata: newest.Metadata
  readonly status: newest.StatusObject
  readonly call: newest.ClientUnaryCall
}

export interface GrpcFixture extends TestWorld {
  /** Starts a server with a certificate for `*.test.example`, or without TLS. */
  grpcServer(
    handlers: Partial<newest.UntypedServiceImplementation>,
    options?: { cleartext?: boolean; port?: number } & newest.ServerOptions,
  ): Promise<GrpcServer>
  client(options?: ClientOptions): Client
}

/** Call once, at the top level of a test file. */
export function grpcFixture(): GrpcFixture {
  const world = testWorld()
  const grpcServer: GrpcFixture['grpcServer'] = async (handlers, { cleartext = false, port: wanted = 0, ...options } = {}) => {
    const server = new newest.Server(options)
    const service = Object.fromEntries(Object.entries(SERVICE).filter(([name]) => name in handlers))
    server.addService(service, handlers as newest.UntypedServiceImplementation)
    const { key, cert } = await world.tls()
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }
    const credentials = cleartext ? newest.ServerCredentials.createInsecure() : newest.ServerCredentials.createSsl(null, [pair])
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${wanted}`, credentials, (error, bound) => (error === null ? resolve(bound) : reject(error))),
    )
    world.defer(() => server.forceShutdown())
    let connections = 0
    for (const http2 of (server as unknown as { http2Servers: Map<NodeJS.EventEmitter, unknown> }).http2Servers.keys())
      http2.on('session', () => connections++)
    return {
      port,
      server,
      get connections() {
        return connections
      },
    }
  }
  const client = (options: ClientOptions = {}): Client => {
    const lookup: ClientOptions['lookup'] = (_host, _options, done) => done(null, '127.0.0.1', 4)
    const made = createClient({ tls: { ca: world.authority.ca }, lookup, ...options })
    world.defer(() => made.destroy())
    return made
  }
  return Object.defineProperties({ grpcServer, client } as never, Object.getOwnPropertyDescriptors(world)) as never
}

/** Calls a unary method, and resolves with all of its answer. */
export function unary(
  client: ServiceClient,
  request: Buffer,
  metadata = new newest.Metadata(),
  options: newest.CallOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let received = new newest.Metadata()
    let response: Buffer
    const call = client.unary(request, metadata, options, (error, value) => {
      if (error !== null) reject(error)
      else response = value!
    })
    call.on('metadata', (value: newest.Metadata) => {
      received = value
    })
    call.on('status', (status: newest.StatusObject) => resolve({ response, metadata: received, status, call }))
  })
}
