/** Server process: `@grpc/grpc-js`, over TLS. */

import { Server, ServerCredentials, type ServerUnaryCall, type ServerWritableStream, type sendUnaryData } from '@grpc/grpc-js'
import { createAuthority } from '@unshard/testkit'
import { STREAM, UNARY } from './service.js'
import { type GrpcServerPort, MESSAGE_BYTES, MESSAGES } from './task.js'

const message = Buffer.alloc(MESSAGE_BYTES, 'unsharded ')
const authority = await createAuthority()
const { key, cert } = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })
const server = new Server()

server.addService(
  { unary: UNARY, stream: STREAM },
  {
    unary: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => done(null, call.request),
    stream(call: ServerWritableStream<Buffer, Buffer>) {
      let left = MESSAGES
      const fill = (): void => {
        while (left > 0) {
          left--
          if (!call.write(message)) return void call.once('drain', fill)
        }
        call.end()
      }
      fill()
    },
  },
)
const credentials = ServerCredentials.createSsl(null, [{ private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }])
server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
  if (error !== null) throw error
  process.send!({ ca: authority.ca, port } satisfies GrpcServerPort)
})
process.once('disconnect', () => process.exit())
