/** Clients of the service: `@grpc/grpc-js`, the same over `channel()`, and `grpcClient()`. */

import { type BytesMethod, UNARY } from './service.js'

/** A client of the service. */
export interface GrpcSession {
  /** One unary call. */
  unary(): Promise<Uint8Array>
  /** Reads one stream to its end, and returns the number of messages. */
  stream(method: BytesMethod): Promise<number>
}

export const GRPC_JS = '@grpc/grpc-js'
export const CHANNEL = '@grpc/grpc-js over channel()'
export const OWN = 'grpcClient()'

const REQUEST = Buffer.from('hello world')

/** By name, in the order in which they run. */
export const sessions: ReadonlyMap<string, (port: number, ca: string) => Promise<GrpcSession>> = new Map([
  [OWN, openOwn],
  [CHANNEL, (port: number, ca: string) => openGrpcJs(port, ca, true)],
  [GRPC_JS, (port: number, ca: string) => openGrpcJs(port, ca, false)],
])

async function openGrpcJs(port: number, ca: string, overChannel: boolean): Promise<GrpcSession> {
  const { Client, credentials } = await import('@grpc/grpc-js')
  const secure = credentials.createSsl(Buffer.from(ca))
  const address = `127.0.0.1:${port}`
  const client = new Client(address, secure, overChannel ? { channelOverride: (await channelTo(address, secure)) as never } : {})
  const { path, requestSerialize, responseDeserialize } = UNARY
  return {
    unary: () =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest<Buffer, Buffer>(path, requestSerialize, responseDeserialize, REQUEST, (error, value) =>
          error === null ? resolve(value!) : reject(error),
        )
      }),
    stream: ({ path: streamPath }) =>
      new Promise((resolve, reject) => {
        let count = 0
        const call = client.makeServerStreamRequest(streamPath, requestSerialize, responseDeserialize, REQUEST)
        call.on('data', () => count++)
        call.on('end', () => resolve(count))
        call.on('error', reject)
      }),
  }
}

async function channelTo(address: string, credentials: object): Promise<object> {
  const [{ createClient }, { channel }] = await Promise.all([import('unshard'), import('unshard/grpc')])
  return channel(createClient(), address, credentials as never)
}

async function openOwn(port: number, ca: string): Promise<GrpcSession> {
  const [{ createClient }, { grpcClient }] = await Promise.all([import('unshard'), import('unshard/grpc')])
  const grpc = grpcClient(createClient({ tls: { ca } }), { baseUrl: `https://127.0.0.1:${port}` })
  return {
    unary: async () => (await grpc.unary(UNARY, REQUEST)).response,
    async stream(method) {
      let count = 0
      for await (const _ of grpc.serverStream(method, REQUEST)) count++
      return count
    },
  }
}
